"""Compares the answers of DRS in a run on AWS with those of the simulator: `python -m simulator compare RUN`.

`answers` reads what a run kept, `reference` asks the simulator, `traits` reduces both to what can be compared, and
`differences` compares. No other package imports this one. Start with `differences`.
"""
