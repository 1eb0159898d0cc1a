"""The parts of ``benchmarks.dispatch``: the seeded product, the job queues, the raw limits, one module per scenario."""
