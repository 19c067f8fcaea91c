Feature: Performance and scale
  A recovery that takes longer than the business can wait is no recovery. Operators plan with 15 minutes for a tier,
  with many servers, with long histories, within AWS's limits. Simulated time takes what DRS really takes, so QA can see
  how much of it is the engine's own; what AWS decides by its own speed is judged by what the engine asks of it.

  @AC-7.1 @moto @aws @costs-instances
  Scenario: Six servers are recovered in parallel within 15 minutes
    Given a plan that recovers the six known servers in one wave
    And DRS takes its usual time
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And 6 servers are RECOVERED
    And the execution took at most 15 minutes
    And the engine's own share of that time was at most 60 seconds

  @AC-7.2 @moto
  Scenario: Twenty servers in five waves never meet a throttled request
    Given a plan that recovers 20 servers in 5 waves
    And DRS accepts 1 request every 5 seconds, with bursts of 4
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And 20 servers are RECOVERED
    And no request to DRS or EC2 failed

  @AC-7.3 @moto
  Scenario: Ten jobs in flight are asked about together, and no function runs long
    Given the engine launches at most 2 servers in a job
    And a plan that recovers 20 servers in one wave without a health check
    And every launch takes 2 minutes
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And every job query asked about all 10 jobs in flight
    And job queries came at least 10 seconds apart
    And no function ran longer than 10 seconds

  @AC-7.4 @moto
  Scenario: A hundred transitions stay far below the limits of Step Functions
    Given the "three-tier" plan
    And wave 1 is followed by a wait of 25 minutes
    When a recovery of the plan is run
    Then the execution is COMPLETED
    And the state machine made at least 100 transitions
    And the state machine's history has fewer than 5000 events
    And no payload of the state machine was larger than 2 kilobytes

  @AC-7.5 @moto
  Scenario Outline: A page of the <list> is one small query, however long the history
    Given the "no-health-check" plan
    When a recovery of the plan is run
    And the history holds 1000 executions like it
    And the <list> is read
    Then 25 executions came within 200 milliseconds
    And it was one query on an index, without a scan or a filter
    And it read no more than those 25 records

    Examples:
      | list                            |
      | history of the plan             |
      | history of COMPLETED executions |
