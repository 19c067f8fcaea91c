Feature: Recovery into another account
  Enterprises recover into an account of their own, so that an attacker of the production account cannot reach it. The
  engine may access that account through one role only. QA needs to see which credentials are used, that they are renewed
  in time, and that a role that cannot be assumed is reported together with the reason.

  @AC-6.1 @AC-6.5 @moto
  Scenario: The engine assumes the role of the recovery account, and the history names both accounts
    Given the "cross-account" plan
    And the recovery account trusts the engine
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the engine assumed the role "arn:aws:iam::444455556666:role/drs-execution-engine-target" with the external id "orchestrator-4711"
    And the record names account "111122223333" as source and account "444455556666" as target

  @AC-6.1 @AC-6.5 @moto
  Scenario: A plan without a target account recovers into the engine's own account, without a role
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And exactly 0 role assumptions were made
    And the record names account "111122223333" as source and account "111122223333" as target

  @AC-6.2 @moto
  Scenario: Every action in the recovery account uses the assumed role
    Given the "cross-account" plan
    And the recovery account trusts the engine
    When a drill of the plan is run
    And the drill's clean-up ends
    Then the execution is COMPLETED
    And every request to DRS and EC2 was made with the role "arn:aws:iam::444455556666:role/drs-execution-engine-target"
    And DRS launched only "database-1, database-2, application-1, application-2"
    And DRS in the engine's own account has no job

  @AC-6.2 @moto
  Scenario: The assumed role is enough for the launch settings of real servers
    Given the "cross-account" plan
    And the recovery account trusts the engine
    And the launch settings of server "database-1" name a key pair
    And the launch settings of server "database-1" name an instance profile
    And the launch settings of server "database-1" name a license configuration
    And the launch settings of server "database-1" name a customer's encryption key
    And the launch settings of server "database-2" name a capacity reservation
    And the launch settings of server "application-1" name a group of capacity reservations
    And the launch settings of server "application-2" name a placement group
    When a drill of the plan is run
    Then the execution is COMPLETED
    And every request to DRS and EC2 was made with the role "arn:aws:iam::444455556666:role/drs-execution-engine-target"

  @AC-6.2 @moto
  Scenario: The engine reads DRS's reason for a failed launch with the assumed role
    Given the "cross-account" plan
    And the recovery account trusts the engine
    And the launch of server "application-1" fails with "InsufficientInstanceCapacity: no r5.large"
    When a drill of the plan is run
    Then the execution is FAILED
    And the errors name "InsufficientInstanceCapacity: no r5.large"
    And every request to DRS and EC2 was made with the role "arn:aws:iam::444455556666:role/drs-execution-engine-target"

  @AC-6.3 @moto
  Scenario Outline: The start is refused and names the role when the recovery account <state>
    Given the "cross-account" plan
    And the recovery account <state>
    When a drill of the plan is started
    Then the start is refused
    And the refusal names "arn:aws:iam::444455556666:role/drs-execution-engine-target"
    And the refusal names "AccessDenied"
    And no execution was recorded and no server was launched

    Examples:
      | state                       |
      | has no role for the engine  |
      | trusts another account      |
      | expects another external id |

  @AC-6.3 @moto
  Scenario: An execution fails and names the role when the recovery account withdraws its trust
    Given the "cross-account" plan
    And DRS takes its usual time
    And the recovery account trusts the engine
    And AWS finds the credentials expired at the 3rd job query
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the recovery account withdraws its trust
    And the execution ends
    Then the execution is FAILED
    And the errors name "arn:aws:iam::444455556666:role/drs-execution-engine-target"

  @AC-6.4 @moto
  Scenario: The engine renews its one-hour credentials during a four-hour execution
    Given the "cross-account" plan
    And wave 1 is followed by a wait of 4 hours
    And the plan has to be done within 6 hours
    And the recovery account trusts the engine
    When a drill of the plan is run
    Then the execution is COMPLETED
    And no request to DRS or EC2 was made with credentials older than 1 hour
    And no request to DRS or EC2 failed

  @AC-6.4 @moto
  Scenario: The engine renews credentials that expire between two job queries
    Given the "cross-account" plan
    And DRS takes its usual time
    And the recovery account trusts the engine
    And AWS finds the credentials expired at the 3rd job query
    When a drill of the plan is run
    Then the execution is COMPLETED
    And exactly 3 role assumptions were made
    And DRS launched only "database-1, database-2, application-1, application-2"
