Feature: Recovery into another account
  Enterprises recover into an account of their own, so that whoever broke into production cannot reach it. The engine
  may touch that account through one role only. QA needs to see whose credentials are used, that they are renewed in
  time, and that a role that cannot be assumed is named together with the reason.

  @AC-6.1 @moto
  Scenario: The role of the recovery account is assumed as the plan says
    Given the "cross-account" plan
    And the recovery account trusts the engine
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the engine assumed the plan's role with the plan's external id

  @AC-6.1 @moto
  Scenario: Without a target account no role is assumed
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And exactly 0 role assumptions were made

  @AC-6.2 @moto
  Scenario: Everything in the recovery account is done with the assumed role
    Given the "cross-account" plan
    And the recovery account trusts the engine
    When a drill of the plan is run
    And the drill's clean-up has ended
    Then the execution is COMPLETED
    And every request to DRS and EC2 was made with the plan's role
    And "database-1, database-2, application-1, application-2" were launched once
    And nothing was launched in the engine's own account

  @AC-6.2 @moto
  Scenario: DRS's reason for a failed launch is read with the assumed role, too
    Given the "cross-account" plan
    And the recovery account trusts the engine
    And the launch of server "application-1" fails with "InsufficientInstanceCapacity: no r5.large"
    When a drill of the plan is run
    Then the execution is FAILED
    And the errors name "InsufficientInstanceCapacity: no r5.large"
    And every request to DRS and EC2 was made with the plan's role

  @AC-6.3 @moto
  Scenario Outline: A role that cannot be assumed because <reason> is named
    Given the "cross-account" plan
    And the recovery account <state>
    When a drill of the plan is requested
    Then the start is refused
    And the refusal names "arn:aws:iam::444455556666:role/drs-execution-engine-target"
    And the refusal names "AccessDenied"
    And nothing was recorded or launched

    Examples:
      | reason                   | state                       |
      | there is no such role    | has no role for the engine  |
      | it trusts somebody else  | trusts somebody else        |
      | the external id is wrong | expects another external id |

  @AC-6.3 @moto
  Scenario: A role that is no longer offered while the plan runs is named
    Given the "cross-account" plan
    And DRS takes its usual time
    And the recovery account trusts the engine
    And the engine's credentials are called expired at the 3rd job query
    When a drill of the plan is started
    And wave 1 is RUNNING
    And the recovery account withdraws its trust
    And the execution ends
    Then the execution is FAILED
    And the errors name "arn:aws:iam::444455556666:role/drs-execution-engine-target"

  @AC-6.4 @moto
  Scenario: A four-hour execution outlives its one-hour credentials
    Given the "cross-account" plan
    And wave 1 is followed by a wait of 4 hours
    And the plan has to be done within 6 hours
    And the recovery account trusts the engine
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the plan's role was assumed again before its credentials had expired
    And no request to DRS or EC2 failed

  @AC-6.4 @moto
  Scenario: Credentials that expire in the middle of a poll are renewed
    Given the "cross-account" plan
    And DRS takes its usual time
    And the recovery account trusts the engine
    And the engine's credentials are called expired at the 3rd job query
    When a drill of the plan is run
    Then the execution is COMPLETED
    And exactly 3 role assumptions were made
    And "database-1, database-2, application-1, application-2" were launched once

  @AC-6.5 @moto
  Scenario: The history names both accounts
    Given the "cross-account" plan
    And the recovery account trusts the engine
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the record names the engine's account as source and account "444455556666" as target

  @AC-6.5 @moto
  Scenario: A recovery at home has one account for both
    Given the "single-wave" plan
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the record names the engine's account as source and as target
