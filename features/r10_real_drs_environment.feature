Feature: The real DRS environment
  A simulation proves the engine, not the account it will run in. Before an operator trusts a plan, six real Windows
  servers have to replicate, a real drill has to launch them, and nothing of it may stay and cost money. These scenarios
  need a real account (or its rehearsal) and are never run by accident.

  @AC-10.1 @aws
  Scenario: The six Windows servers replicate continuously
    Given the six known servers
    When somebody asks DRS for its source servers
    Then all 6 known servers replicate in the state CONTINUOUS
    And all 6 known servers run Windows

  @AC-10.2 @aws @costs-instances
  Scenario: A drill launches real instances, and they run
    Given the "three-tier" plan
    And the plan keeps its drill instances
    When a drill of the plan is run
    Then the execution is COMPLETED
    And every server of wave 1 is launched and its instance runs
    And every server of wave 2 is launched and its instance runs
    And every server of wave 3 is launched and its instance runs
    And DRS ran every recovery job as a drill

  @AC-10.3 @aws @costs-instances
  Scenario: After a drill its instances are terminated
    Given the "single-wave" plan
    When a drill of the plan is run
    And the drill's clean-up has ended
    Then the execution is COMPLETED
    And the clean-up is COMPLETED
    And no instance of the execution is left
    And the record names the job that terminated them

  @AC-10.4 @aws
  Scenario: The six known servers are available in us-east-1
    Given the six known servers
    When somebody asks DRS for its source servers
    Then all 6 known servers are there, in us-east-1

  @AC-10.5 @aws @costs-instances
  Scenario: What DRS answers follows its model, in the time that is expected
    Given the "single-wave" plan
    When a drill of the plan is run
    And the drill's clean-up has ended
    And somebody asks DRS about all that the drill did
    Then the execution is COMPLETED
    And every answer of DRS follows the service's model
    And the answers to the engine's recovery requests are among them
    And every recovery job took between 1 and 30 minutes
