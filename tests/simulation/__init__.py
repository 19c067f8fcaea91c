"""Fuzzing of the deployed engine: random cases run in virtual time against the simulator.

cases            the definition of a case: plans, servers, actions of operators, faults; plain data, stored as JSON
generator        derives a case from a seed
observation      all that is visible from outside the engine after a case
runner           runs a case with the simulator and the deployed function; returns an Observation
state_machine_loop  replaces the Step Functions interpreter by a thin loop with the same calls
monitor          checks invariants after each invocation of the function
model            the reference model: which outcomes a plan may have under the conditions of a case
model_input      the plan, the conditions and the observed execution, as the reference model reads them
oracle_input     translates an Observation into the terms of the reference model
oracle           lists the violations of an Observation; request_checks are those of starts and resumptions
trace            an Observation as text without generated ids, to compare two runs
batches          runs many cases in several processes
crashes, fault_table  systematic cases: the function killed at each call; each fault at each operation
shrinking, narrative  reduces a failing case, and describes it

Start reading at `cases`, then `runner` and `oracle`. No other package imports this one, except tests.
"""
