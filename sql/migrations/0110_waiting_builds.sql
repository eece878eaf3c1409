-- waiting: a job of the build waits for a person, such as an approval, so that its silence says
-- nothing. unchanged: the build found nothing to do, and renews the image that there is.

ALTER TABLE builds
    ADD COLUMN waiting BOOLEAN,
    ADD COLUMN unchanged BOOLEAN;
