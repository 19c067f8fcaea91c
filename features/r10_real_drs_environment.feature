Feature: The real DRS environment
  A simulation proves the engine, not the account it will run in. Before an operator trusts a plan, six real Windows
  servers have to replicate, a real drill has to launch them, and none of its instances may stay and cost money. These
  scenarios need a real account (or its rehearsal) and never run by accident.

  @AC-10.1 @AC-10.4 @aws
  Scenario: The six known Windows servers replicate continuously in us-east-1
    Given the six known servers
    When the suite reads the source servers of DRS
    Then all 6 known servers run Windows and replicate as CONTINUOUS in us-east-1

  @AC-10.2 @aws @costs-instances
  Scenario: A drill launches real instances, and they run
    Given the "three-tier" plan
    And the plan keeps its drill instances
    When a drill of the plan is run
    Then the execution is COMPLETED
    And every instance of wave 1 runs
    And every instance of wave 2 runs
    And every instance of wave 3 runs
    And every server was launched as a drill

  @AC-10.3 @aws @costs-instances
  Scenario: The instances of a drill are terminated after it
    Given the "single-wave" plan
    When a drill of the plan is run
    And the drill's clean-up ends
    Then the execution is COMPLETED
    And the clean-up is COMPLETED
    And the clean-up jobs in the record have terminated every instance of the execution

  @AC-10.5 @aws @costs-instances
  Scenario: The answers of DRS follow its model, and its jobs take the expected time
    Given the "single-wave" plan
    When a drill of the plan is run
    And the drill's clean-up ends
    And the suite reads the servers, jobs, job logs and instances of DRS
    Then the execution is COMPLETED
    And every answer of DRS follows the service's model
    And these answers include those to the engine's recovery requests
    And every recovery job took between 1 and 30 minutes
