// Nothing: this file exists so that the precompiled header has a target.
