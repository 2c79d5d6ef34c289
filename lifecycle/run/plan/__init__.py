"""From a scenario to what will be done: built, before anything runs."""
