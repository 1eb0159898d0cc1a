"""How a clinic's phones could be answered, and what that costs: in-house, outsourced, hosted, leased, hybrid."""
