"""The trainer: loop, session, optimizers, checkpoints, health. It never learns a method's name."""
