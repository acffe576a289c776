-- A trial that was trained again from scratch: what its attempts before this one measured no
-- longer counts, though it is kept.
ALTER TABLE mvn_trial ADD COLUMN first_attempt INTEGER NOT NULL DEFAULT 1;
