"""What a run made: whose a thing is, the ledger, the clean-up, the sweep."""
