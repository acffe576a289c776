-- States are counted and configurations summed of 100,000 trials without reading the trials.
DROP INDEX mvn_trial_group;
CREATE INDEX mvn_trial_group ON mvn_trial (sweep, stage, group_hash, state, current, seed);
