Feature: The simulated AWS
  Developers want tests that are fast, that never touch a real account, and that they can still believe. The simulated DRS
  has to answer as DRS does, take the time that DRS takes, and fail in every way in which DRS fails. These scenarios test
  the simulation itself.

  @AC-11.1 @AC-11.4 @moto
  Scenario: A simulated drill gets answers that DRS could give, and opens no connection
    Given the "three-tier" plan
    And DRS takes its usual time
    When a drill of the plan is run
    And the drill's clean-up ends
    Then the execution is COMPLETED
    And every answer of DRS follows the service's model
    And every launched instance is an instance of EC2
    And no connection left this machine

  @AC-11.2 @moto
  Scenario: A job passes through its statuses in the time that DRS takes
    Given the "single-wave" plan
    And DRS takes its usual time
    When a drill of the plan is started
    And the job of server "database-1" is watched until it ends
    Then the job of server "database-1" was PENDING, STARTED, COMPLETED in DRS
    And it was PENDING for between 5 and 15 seconds
    And every recovery job took between 5 and 10 minutes

  @AC-11.2 @moto
  Scenario: The record follows the job from PENDING to COMPLETED
    Given the "single-wave" plan
    And the job of server "database-1" is PENDING for 2 minutes
    When a drill of the plan is run
    Then the execution is COMPLETED
    And the job of server "database-1" was PENDING, IN_PROGRESS, COMPLETED in the record

  @AC-11.3 @moto
  Scenario Outline: DRS <fault> a request, and the caller gets <answer>
    Given the six known servers
    And DRS <fault> the next request of the suite
    When the suite reads the source servers of DRS
    Then the answer is <answer>

    Examples:
      | fault                            | answer                                  |
      | throttles                        | ThrottlingException with status 429     |
      | fails                            | InternalServerException with status 500 |
      | loses                            | no answer: ConnectionClosedError        |
      | loses the answer to              | no answer: ReadTimeoutError             |
      | finds the credentials expired at | ExpiredTokenException with status 403   |
      | denies                           | AccessDeniedException with status 403   |

  @AC-11.4 @moto
  Scenario: A connection to another machine is refused and noted
    Given the six known servers
    When a program tries to connect to "drs.us-east-1.amazonaws.com"
    Then the connection to "drs.us-east-1.amazonaws.com" was refused and noted

  @AC-11.5 @moto
  Scenario: Every operation of the simulated DRS succeeds and fails as the service's model says
    Given the six known servers
    And another user's drill of server "database-1" has ended
    When every operation of DRS is called once without a fault and once for each error of its model
    Then these operations have succeeded and failed with each of their errors
      | operation                  |
      | InitializeService          |
      | DescribeSourceServers      |
      | DescribeRecoverySnapshots  |
      | StartRecovery              |
      | DescribeJobs               |
      | DescribeJobLogItems        |
      | GetLaunchConfiguration     |
      | DescribeRecoveryInstances  |
      | TerminateRecoveryInstances |
      | TagResource                |
      | UntagResource              |
      | ListTagsForResource        |
