-- A state is written once or twice, and the room of its first version is used again at once: a page
-- needs room for two more, not for a fifth of it.

ALTER TABLE build_states SET (fillfactor = 95);
