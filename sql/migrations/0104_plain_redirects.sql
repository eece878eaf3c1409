-- True where a plain number leads to the build of its only target: for readers. What a sender states
-- under it is matched each time, as another target may come.

ALTER TABLE build_redirects ADD COLUMN plain BOOLEAN;
