"""Mechanisms against trouble: replies that say little, data that fail, crashes, and what holds sending up."""

from tests.mutants.mutant import Mutant, mutant

ATTEMPTS = "services/dispatcher/attempts.py"
CLAIMER = "services/dispatcher/claimer.py"
HANDLER = "services/dispatcher/handler.py"
REPORTER = "services/reporter/handler.py"
REPLIES = "services/dispatcher/provider_api/replies.py"

HANDLER_TESTS = "tests/unit/dispatcher/test_handler.py"
REPLY_TESTS = "tests/unit/dispatcher/provider_api/test_replies.py"
FOLD_TESTS = "tests/integration/test_fold.py"

REPLIED: tuple[Mutant, ...] = (
    mutant(
        "what may have arrived spends budget",
        REPLIES,
        'not_taken=reply.kind == "unreachable"',
        "not_taken=True",
        f"{REPLY_TESTS}::test_only_what_was_certainly_not_taken_is_free",
    ),
    mutant(
        "a Retry-After of more than a week is not believed",
        "services/dispatcher/provider_api/retry_after.py",
        "timedelta(days=7)",
        "timedelta(days=999_999)",
        f"{REPLY_TESTS}::test_retry_after_is_seconds_or_a_date",
    ),
    mutant(
        "only closing expires a message",
        "services/dispatcher/retry.py",
        "    return Retry(max(asked, policy.delays[0]), queued=False, failed=failed)\n",
        '    return Finish("expired", "no time left")  # type: ignore[return-value]\n',
        "tests/unit/dispatcher/test_retry.py::test_no_reply_expires_a_message",
    ),
    mutant(
        "a request begins with a connection at hand, if it still may",
        "services/dispatcher/provider_api/pending_request.py",
        "if self.owner.may_begin():",
        "if self.owner.may_begin() or True:",
        "tests/unit/dispatcher/provider_api/test_http_client.py"
        "::test_nothing_is_written_of_what_may_not_begin_and_its_connection_is_kept",
    ),
    mutant(
        "concurrency follows the share that succeeds",
        "services/dispatcher/admission/adaptive_concurrency.py",
        "self._most * (1 - self._failing) if self._failing > EVERYDAY_FAILURES else float(self._most)",
        "float(self._most)",
        "tests/unit/dispatcher/admission/test_adaptive_concurrency.py"
        "::test_a_provider_that_fails_in_part_gets_its_share_of_the_plain_rate",
    ),
)

DATA: tuple[Mutant, ...] = (
    mutant(
        "a mailing whose data fail is set aside",
        "services/planner/scheduler.py",
        "            if not fails_on_data(error):\n",
        "            if True:\n",
        "tests/integration/test_release.py::test_a_mailing_whose_data_fail_is_set_aside_and_the_others_go_on",
    ),
    mutant(
        "jobs that the database refuses are claimed one by one",
        CLAIMER,
        "            if len(batch) > 1:\n",
        "            if False:\n",
        f"{HANDLER_TESTS}::test_a_job_that_the_database_refuses_is_set_aside_and_the_others_of_its_batch_are_sent",
    ),
    mutant(
        "a damaged result is folded in its least form",
        REPORTER,
        "await self._fold_in_least_form(part, _describe(error))",
        "_describe(error)",
        f"{FOLD_TESTS}::test_a_damaged_result_closes_its_claim_and_holds_nothing_up",
    ),
    mutant(
        "a fold reads flights after it has the locks of their messages",
        "services/reporter/fold.py",
        """            now = await store.lock_messages(connection, message_ids)
            records = await store.read_messages(connection, message_ids)
""",
        """            records = await store.read_messages(connection, message_ids)
            now = await store.lock_messages(connection, message_ids)
""",
        f"{FOLD_TESTS}::test_a_redelivered_result_does_not_end_a_round_that_begins_while_it_waits",
    ),
    mutant(
        "deliveries of a lost channel are forgotten",
        REPORTER,
        "        lost = bool(self._batch) and not self._batch[0][0].alive\n",
        "        lost = False\n",
        "tests/integration/test_reporter.py::test_an_outage_of_the_database_costs_no_deliveries_and_no_memory",
    ),
)

SLOTS: tuple[Mutant, ...] = (
    mutant(
        "an attempt that ends gives its ticket back",
        ATTEMPTS,
        "            attempt.lane.withdraw(claimed.ticket)\n",
        "",
        f"{HANDLER_TESTS}::test_an_attempt_that_crashes_holds_neither_a_slot_nor_a_probe_nor_its_claim",
    ),
    mutant(
        "an attempt without a result lets its name go",
        ATTEMPTS,
        "        self._held.names.let_go(claimed.terms.name)\n        self._intake.set_aside",
        "        self._intake.set_aside",
        f"{HANDLER_TESTS}::test_an_attempt_that_crashes_with_its_reply_leaves_no_claim_open_under_a_live_name",
    ),
    mutant(
        "nothing is claimed while results are not confirmed",
        HANDLER,
        "if behind > CONFIRM_SECONDS or self._results.outstanding >= 2 * self._concurrency:",
        "if behind > CONFIRM_SECONDS:",
        f"{HANDLER_TESTS}::test_nothing_more_is_claimed_while_results_are_not_confirmed",
    ),
    mutant(
        "a batch holds a message once",
        "services/dispatcher/intake.py",
        "if delivered.job.message_id in batch:",
        "if False:",
        "tests/unit/dispatcher/test_intake.py::test_a_batch_takes_each_message_once",
    ),
    mutant(
        "what is in flight follows the open claims",
        "services/planner/flow_control.py",
        "max(SECONDS_OF_SENDING * self.rate, self._claimed + LEAST)",
        "max(SECONDS_OF_SENDING * self.rate, LEAST)",
        "tests/unit/planner/test_flow_control.py::test_a_slow_provider_leaves_enough_in_flight_for_every_slot",
    ),
    mutant(
        "the clock of leases goes on in a suspended machine",
        "services/dispatcher/claims/clock.py",
        "time.CLOCK_BOOTTIME)",
        "time.CLOCK_MONOTONIC)",
        "tests/unit/dispatcher/claims/test_clock.py::test_the_clock_goes_on_while_the_machine_is_suspended",
    ),
)

HELD = "services/dispatcher/claims/held_claims.py"
HELD_TESTS = "tests/unit/dispatcher/claims/test_held_claims.py"
HTTP_CLIENT = "services/dispatcher/provider_api/http_client.py"
HTTP_TESTS = "tests/unit/dispatcher/provider_api/test_http_client.py"
PUBLISHER = "shared/broker/publisher.py"
PUBLISHER_TESTS = "tests/unit/shared/broker/test_publisher.py"
BARRIER_TESTS = "tests/integration/api/edits/test_barrier.py"

CONNECTIONS: tuple[Mutant, ...] = (
    mutant(
        "a request begins only with time left",
        HELD,
        "        elif moment >= deadline:\n",
        "        elif False:\n",
        f"{HELD_TESTS}::test_nothing_begins_without_time_left",
    ),
    mutant(
        "a claim on its way is void once the lease was over",
        HELD,
        "        if terms.term != self.lease.term:\n            return",
        "        if False:\n            return",
        f"{HELD_TESTS}::test_a_lease_that_has_lapsed_is_not_revived_for_what_was_held_under_it",
    ),
    mutant(
        "what a take-over that is given back uncovers is stale at once",
        "services/dispatcher/claims/store.py",
        "claimed_at = g.claimed_at - interval '32 s'\n",
        "claimed_at = g.claimed_at\n",
        "tests/integration/test_claim.py::test_a_takeover_that_is_given_back_can_be_taken_over_at_once",
    ),
    mutant(
        "a message with too little time for its provider is left to the closing",
        "services/dispatcher/attempt.py",
        "Retry(timedelta(seconds=end - self._began), queued=False, failed=False)",
        'Finish("expired", TOO_LATE)',
        "tests/unit/dispatcher/test_attempt_verdicts.py"
        "::test_a_message_with_too_little_time_for_the_provider_waits_for_the_end_or_a_later_one",
    ),
    mutant(
        "a reply after the timeout ends its connection",
        HTTP_CLIENT,
        '        pending.abort()\n        pending.answer(Reply("timeout"',
        '        pending.answer(Reply("timeout"',
        f"{HTTP_TESTS}::test_a_late_reply_finds_its_connection_closed_and_is_nobody_elses",
    ),
    mutant(
        "a kept connection that was closed carries no request",
        HTTP_CLIENT,
        "if not self._outdated(connection) and connection.usable():",
        "if not self._outdated(connection):",
        f"{HTTP_TESTS}::test_what_the_kernel_knows_of_a_kept_connection_is_asked_before_it_is_used",
    ),
    mutant(
        "a returned body is not published",
        PUBLISHER,
        "        elif isinstance(error, BodyReturned):\n            body.settle(Unroutable(",
        "        elif isinstance(error, BodyReturned):\n            body.settle(None and Unroutable(",
        f"{PUBLISHER_TESTS}::test_a_returned_body_is_published_once_more_and_then_unroutable",
    ),
    mutant(
        "nothing is published while the broker blocks",
        PUBLISHER,
        "        if self._channel is None or self._connection is None or not self._connection.has_room:\n",
        "        if self._channel is None or self._connection is None:\n",
        f"{PUBLISHER_TESTS}::test_a_blocked_publisher_writes_nothing_says_why_and_goes_on_by_itself",
    ),
    mutant(
        "a second delete waits like the first",
        "services/api/mailings/handlers.py",
        """        notify_planner(request, "mailing.deleted", mailing_id)
    await pass_barrier""",
        """        notify_planner(request, "mailing.deleted", mailing_id)
        await pass_barrier""",
        f"{BARRIER_TESTS}::test_a_second_delete_waits_like_the_first",
    ),
    mutant(
        "the end of a running mailing is at least 40 s away",
        "services/api/mailings/rules.py",
        "plan.end_at < locked.now + NOTICE",
        "plan.end_at < locked.now",
        "tests/unit/api/mailings/test_rules.py::test_times_are_judged_by_the_clock_of_the_row",
    ),
)

TROUBLE = REPLIED + DATA + SLOTS + CONNECTIONS
