"""Who fires next: matching, agenda, decision, dispatch, supervision and recovery; and the viewer of all that."""
