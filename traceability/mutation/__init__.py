"""The negative proof: seeds one defect or mutant at a time and checks which scenario fails because of it.

May import `model` to `evaluation`. `running` and the command line call it.
Start with `defects` (the files of seeded defects), then `prove` (the runs). Of the mutation score: `mutants` (changes),
`warm` (the process that tries them), then `mutate` (the runs).
"""
