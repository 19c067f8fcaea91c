"""Simulation testing: random bad days in virtual time, lived by the deployed engine, judged from outside.

days      what a day is: plans, servers and what becomes of them, faults, what people do; JSON
drawing   a day from a seed
living    lives a day: the simulator, the deployed function, the people; what was seen of it
machine   a thin loop in place of the Step Functions interpreter
invariants  what must hold after each step
model     what the plan means: the outcome that a day may have
telling   a lived day in the model's terms: its plans, what the world did, what the records say
judging   what was wrong with a lived day
shrinking, story  a failing day made small, and told
"""
