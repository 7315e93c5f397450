"""Studies: what each pretraining is worth on a user's task, per label, backbone and seed."""
