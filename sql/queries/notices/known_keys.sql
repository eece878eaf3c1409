-- Which of these keys are known: notice, key.
SELECT notice, key FROM notices WHERE key = ANY(%(keys)s)
