-- What shall replace a revoked build leads to the hook's.
UPDATE revocations SET replacement_id = %(build_id)s WHERE replacement_id = %(native_id)s
