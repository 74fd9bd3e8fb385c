"""The mechanisms of the protocol that can be taken out, and the tests that must notice."""

from tests.mutants.mutant import Mutant, Patch, mutant
from tests.mutants.trouble import TROUBLE

STORE = "services/dispatcher/claims/store.py"
ATTEMPT = "services/dispatcher/attempt.py"
RESULT_BUFFER = "services/dispatcher/result_buffer.py"
FUNCTIONS = "shared/migrations/0002_functions.sql"
ROUNDS = "shared/migrations/0004_rounds.sql"
SETTLE = "shared/migrations/0050_providers.sql"
EDITS_SCHEMA = "shared/migrations/0030_edits.sql"
RELEASES_SCHEMA = "shared/migrations/0033_releases.sql"
FOLD_SCHEMA = "shared/migrations/0036_fold.sql"
HELD = "services/dispatcher/claims/held_claims.py"
LEASE = "services/dispatcher/claims/lease.py"
NAMES = "services/dispatcher/claims/names.py"
BARRIER = "services/api/edits/barrier.py"
BARRIER_STORE = "services/api/edits/store.py"
RELEASES = "services/planner/store/releases.py"
REPAIRS = "services/planner/store/repairs.py"
SWEEP = "services/planner/sweep.py"
LIFECYCLE = "services/planner/store/lifecycle.py"
CLOSING = "services/planner/closing/store.py"
LEAVING = "services/planner/closing/leaving.py"
CLOSING_RULES = "services/planner/closing/rules.py"
FOLD = "services/reporter/store.py"
TALLY = "services/reporter/tally.py"
TOPOLOGY = "shared/topology.py"

CLAIM_TESTS = "tests/integration/test_claim.py"
FOLD_TESTS = "tests/integration/test_fold.py"
PLANNER_TESTS = "tests/integration/test_planner.py"
CLOSING_TESTS = "tests/integration/test_closing.py"
HELD_TESTS = "tests/unit/dispatcher/claims/test_held_claims.py"
NAME_TESTS = "tests/unit/dispatcher/claims/test_names.py"
BARRIER_TESTS = "tests/integration/api/edits/test_barrier.py"
RELEASE_TESTS = "tests/integration/test_release.py"
RESEND_TESTS = "tests/integration/test_resend.py"
ATTEMPT_TESTS = "tests/unit/dispatcher/test_attempt.py"

CLAIMS: tuple[Mutant, ...] = (
    mutant(
        "stale rule",
        FUNCTIONS,
        "SELECT heard.at < clock_timestamp() - interval '15 s'\n",
        "SELECT true\n",
        f"{CLAIM_TESTS}::test_a_claim_of_a_living_worker_is_never_taken_over",
        until=EDITS_SCHEMA,
    ),
    mutant(
        "fence wait",
        FUNCTIONS,
        "        AND (SELECT folded_at FROM fence) > heard.at + interval '15 s'\n",
        "",
        f"{CLAIM_TESTS}::test_a_claim_is_not_stale_before_a_later_fence_is_folded",
        until=EDITS_SCHEMA,
    ),
    mutant(
        "SKIP LOCKED in the claim",
        STORE,
        "ORDER BY message_id FOR UPDATE SKIP LOCKED\n",
        "ORDER BY message_id FOR UPDATE\n",
        f"{CLAIM_TESTS}::test_a_claim_never_waits_for_a_locked_flight",
    ),
    mutant(
        "lock of the flight in the claim",
        STORE,
        "ORDER BY message_id FOR UPDATE SKIP LOCKED\n",
        "ORDER BY message_id\n",
        f"{CLAIM_TESTS}::test_a_claim_never_waits_for_a_locked_flight",
        f"{CLAIM_TESTS}::test_two_dispatchers_fed_the_same_jobs_claim_each_once",
    ),
    mutant(
        "the claim takes the next number, not the job's",
        STORE,
        "                claimed_number + 1 AS number\n",
        "                attempt AS number\n",
        f"{CLAIM_TESTS}::test_a_stale_claim_is_taken_over_as_the_next_number",
    ),
    mutant(
        "a redelivered job with an open claim is busy",
        STORE,
        "WHEN redelivered OR mailing_status",
        "WHEN mailing_status",
        f"{CLAIM_TESTS}::test_a_redelivered_job_with_an_open_claim_is_busy_even_if_stale",
    ),
    mutant(
        "a doubled job of a folded attempt is over",
        STORE,
        "WHEN NOT open THEN 'over'",
        "WHEN NOT open THEN 'send'",
        f"{CLAIM_TESTS}::test_a_second_job_of_a_folded_attempt_is_over",
    ),
    mutant(
        "a second of time left",
        STORE,
        " OR seconds_left < 1 THEN 'over'",
        " THEN 'over'",
        f"{CLAIM_TESTS}::test_a_job_that_is_no_longer_wanted_is_over",
    ),
    mutant(
        "put back",
        STORE,
        "WHEN mailing_status = 'paused' OR opens_at > now() THEN 'put back'",
        "WHEN false THEN 'put back'",
        f"{CLAIM_TESTS}::test_a_job_of_a_paused_mailing_goes_back_to_the_table",
    ),
    mutant(
        "failures that are not folded count",
        STORE,
        "ELSE failures + claimed_number - folded_number",
        "ELSE failures",
        f"{CLAIM_TESTS}::test_the_retry_is_sent_though_the_result_before_it_is_not_folded",
    ),
    mutant(
        "margin before the end",
        ATTEMPT,
        "MARGIN_SECONDS = 0.25",
        "MARGIN_SECONDS = 0.0",
        f"{ATTEMPT_TESTS}::test_no_request_is_open_after_the_end",
    ),
)

RESULTS: tuple[Mutant, ...] = (
    mutant(
        "acknowledgement after the confirm",
        RESULT_BUFFER,
        """            self._publish(body)
            del self._waiting""",
        """            self._publish(body)
            for one in confirmed:
                one()
            del self._waiting""",
        "tests/unit/dispatcher/test_result_buffer.py::test_a_result_is_acknowledged_only_once_it_is_confirmed",
    ),
    mutant(
        "the retry before its result",
        ATTEMPT,
        "        self._publish(sent, Outgoing(topology.RETRY, name, encode(job), headers), settle)\n",
        """        self._finish(sent, classification, decision)
        self._publish(sent, Outgoing(topology.RETRY, name, encode(job), headers), lambda error: None)
""",
        f"{ATTEMPT_TESTS}::test_a_failure_is_retried_through_its_queue",
    ),
    mutant(
        "single active consumer",
        TOPOLOGY,
        '_guarded(REPORTER_DEAD, **{"x-single-active-consumer": True})',
        "_guarded(REPORTER_DEAD)",
        "tests/unit/shared/test_topology.py::test_the_queues_are_those_of_the_documentation",
    ),
    mutant(
        "an attempt counts once",
        FOLD,
        "        WHERE a.outcome = 'lost' AND EXCLUDED.outcome <> 'lost'\n",
        "",
        f"{FOLD_TESTS}::test_a_redelivered_result_is_counted_once",
        f"{FOLD_TESTS}::test_any_order_and_any_repetition_come_to_the_same",
    ),
    mutant(
        "a success at the first try counts once",
        TALLY,
        'or result.status != "sent" or record.recorded >= 1:',
        'or result.status != "sent":',
        f"{FOLD_TESTS}::test_a_redelivered_result_is_counted_once",
    ),
    mutant(
        "a fence moves with what came before it",
        FOLD,
        "folded_at = greatest(folded_at, CASE WHEN $1::timestamptz <= clock_timestamp() THEN $1 END)",
        "folded_at = clock_timestamp() + 0 * ($1::timestamptz - $1::timestamptz)",
        f"{FOLD_TESTS}::test_the_fence_is_stored_with_what_came_before_it",
    ),
    mutant(
        "a fence of the future is not believed",
        FOLD,
        "CASE WHEN $1::timestamptz <= clock_timestamp() THEN $1 END",
        "$1::timestamptz",
        f"{FOLD_TESTS}::test_a_fence_of_the_future_is_not_believed",
    ),
    mutant(
        "a status only moves upwards",
        SETTLE,
        "WHERE m.id = w.id AND message_rank(w.status) > message_rank(old.status)",
        "WHERE m.id = w.id",
        f"{FOLD_TESTS}::test_a_late_failure_changes_no_final_status",
    ),
    mutant(
        "a number that was never claimed is refused",
        TALLY,
        "if max(numbered) > record.highest:",
        "if False:",
        f"{FOLD_TESTS}::test_a_result_of_an_attempt_that_was_never_made_changes_no_final_message",
    ),
    mutant(
        "a skipped number is recorded as lost",
        TALLY,
        "for number in sorted(skipped)] + kept",
        "for number in ()] + kept",
        f"{FOLD_TESTS}::test_a_skipped_number_is_recorded_as_lost",
    ),
    mutant(
        "base number",
        TALLY,
        'return result.number > record.base or (result.status == "sent" and not record.resent)',
        "return True",
        f"{RESEND_TESTS}::test_a_late_result_of_the_round_before_does_not_end_the_new_one",
    ),
    mutant(
        "a final message keeps its highest number",
        SETTLE,
        "CASE WHEN w.status <> 'retrying' THEN f.claimed_number END",
        "NULL",
        f"{RESEND_TESTS}::test_a_message_made_final_by_an_older_claim_keeps_the_number_of_the_open_one",
    ),
    mutant(
        "an attempt under way keeps its message from a resend",
        ROUNDS,
        "SELECT attempt_is_missing(message) AND (SELECT folded_at FROM fence) <= message.final_at + interval '1 min'",
        "SELECT false",
        f"{RESEND_TESTS}::test_a_message_with_an_attempt_under_way_is_left_alone_until_that_counts_as_lost",
    ),
)

PLANNER: tuple[Mutant, ...] = (
    mutant(
        "a planner without the lease releases nothing",
        RELEASES,
        "            AND w.owner = $2 AND w.closing_at IS NULL\n",
        "            AND $2::uuid IS NOT NULL AND w.closing_at IS NULL\n",
        f"{PLANNER_TESTS}::test_a_planner_without_the_lease_releases_nothing",
        until=RELEASES_SCHEMA,
    ),
    mutant(
        "a flight put back is not marked as released",
        RELEASES,
        " AND released_at IS NULL AND due_at <= $2",
        " AND released_at IS NULL AND $2::timestamptz IS NOT NULL",
        f"{PLANNER_TESTS}::test_a_flight_put_back_during_its_release_stays_waiting",
    ),
    mutant(
        "closing_at is set under the lock of the mailing",
        CLOSING,
        "            FOR NO KEY UPDATE OF m SKIP LOCKED\n        ), closing AS (",
        "        ), closing AS (",
        "tests/integration/test_begin_closing.py::test_no_closing_begins_while_the_end_is_being_moved",
    ),
    mutant(
        "a flight being claimed is left alone",
        CLOSING_RULES,
        "if message_id in facts.in_flight:",
        "if False:",
        f"{PLANNER_TESTS}::test_a_message_being_claimed_at_this_moment_is_left_alone",
    ),
    mutant(
        "a client's books stay open for half a minute",
        LEAVING,
        "c.deleted_at < now() - interval '30 s' AND ",
        "",
        f"{PLANNER_TESTS}::test_a_deleted_clients_unsent_messages_are_cancelled",
    ),
    mutant(
        "a cancelled mailing waits for results for a minute",
        CLOSING,
        "w.closing_at + interval '60 s') AS claims_due",
        "w.closing_at + interval '60 d') AS claims_due",
        f"{CLOSING_TESTS}::test_a_cancelled_mailing_waits_a_minute_for_open_claims_or_until_its_last_moment",
    ),
    mutant(
        "a deleted client waits for results for a minute",
        LEAVING,
        "deleted_at < clock_timestamp() - interval '60 s' AS claims_due",
        "false AS claims_due",
        f"{CLOSING_TESTS}::test_a_deleted_client_waits_a_minute_for_open_claims",
    ),
    mutant(
        "deleted clients that wait hold no others up",
        LEAVING,
        "f.message_id IS NULL OR f.claimed_number <= f.folded_number\n",
        "true\n",
        f"{CLOSING_TESTS}::test_deleted_clients_that_wait_hold_no_others_up",
    ),
    mutant(
        "a stale claim is released from the table",
        REPAIRS,
        "UPDATE flights f SET released_at = NULL, due_at = clock_timestamp()\n",
        "UPDATE flights f SET released_at = clock_timestamp()\n",
        f"{PLANNER_TESTS}::test_stale_claims_are_released_again",
    ),
    mutant(
        "without a dispatcher nothing is swept",
        SWEEP,
        "if await repairs.can_sweep(self._pool):",
        "if True:",
        f"{PLANNER_TESTS}::test_stale_claims_are_released_again",
    ),
    mutant(
        "only stale claims are swept",
        REPAIRS,
        " AND claim_is_stale(x.claimed_by, x.claimed_at)",
        "",
        f"{PLANNER_TESTS}::test_stale_claims_are_released_again",
    ),
    mutant(
        "a job counts as vanished only if none is waiting",
        SWEEP,
        "if await self._queue_is_empty():",
        "if True:",
        f"{PLANNER_TESTS}::test_jobs_that_vanished_from_the_broker_are_released_again_once",
    ),
)

# A mailing's life: what is frozen, and what a state forbids.
MAILINGS: tuple[Mutant, ...] = (
    mutant(
        "the audience is frozen at the start",
        LIFECYCLE,
        "SET upper_client_id = (SELECT coalesce(max(id), 0) FROM clients)",
        "SET upper_client_id = 9223372036854775807",
        f"{PLANNER_TESTS}::test_the_audience_is_frozen_at_the_start",
    ),
    mutant(
        "a mailing that is closing refuses every move",
        "services/api/mailings/rules.py",
        "if target is None or (locked.closing and not done):",
        "if target is None:",
        "tests/unit/api/mailings/test_rules.py::test_while_closing_only_what_is_cancelled_stays_so",
    ),
    mutant(
        "a resend leaves out deleted clients and open attempts",
        "services/planner/resend.py",
        "if one.client_alive and not one.open]",
        "]",
        f"{RESEND_TESTS}::test_a_deleted_client_is_skipped",
    ),
    mutant(
        "an unsent message that the provider may have says so",
        SETTLE,
        "AND outcome_is_unknown(m.id)\n",
        "AND false\n",
        f"{PLANNER_TESTS}::test_an_unsent_message_that_the_provider_may_have_has_that_reason_whatever_ended_it",
    ),
)

# Leases, names and the barrier of edits.
EDITS: tuple[Mutant, ...] = (
    mutant(
        "stale rule",
        EDITS_SCHEMA,
        "SELECT heard.at < clock_timestamp() - heard.silence\n",
        "SELECT true\n",
        f"{CLAIM_TESTS}::test_a_claim_of_a_living_worker_is_never_taken_over",
        since=EDITS_SCHEMA,
    ),
    mutant(
        "fence wait",
        EDITS_SCHEMA,
        "        AND (SELECT folded_at FROM fence) > heard.at + heard.silence\n",
        "",
        f"{CLAIM_TESTS}::test_a_claim_is_not_stale_before_a_later_fence_is_folded",
        since=EDITS_SCHEMA,
    ),
    mutant(
        "a job asks for the next number, and no higher one",
        STORE,
        "WHEN attempt > claimed_number + 1 THEN 'damaged'",
        "WHEN false THEN 'damaged'",
        f"{CLAIM_TESTS}::test_only_the_next_number_may_be_asked_for",
        since=LEASE,
    ),
    Mutant(
        "a give-back names one claim",
        (
            Patch(
                STORE,
                "f.claimed_number = g.number AND f.claimed_at = g.claimed_at\n            ORDER BY",
                "f.claimed_number = g.number\n            ORDER BY",
            ),
            Patch(
                STORE,
                "f.claimed_number = g.number AND f.claimed_at = g.claimed_at\n            RETURNING",
                "f.claimed_number = g.number\n            RETURNING",
            ),
        ),
        (f"{CLAIM_TESTS}::test_a_repeated_give_back_leaves_a_newer_claim_alone",),
        since=LEASE,
    ),
    mutant(
        "lease check",
        HELD,
        "if claimed.terms.term != self.lease.term or not self.lease.holds(moment):",
        "if claimed.terms.term != self.lease.term:",
        f"{HELD_TESTS}::test_a_request_begins_only_under_the_lease",
        since=LEASE,
    ),
    mutant(
        "the lease counts from when its beat was sent",
        HELD,
        "if not self.lease.extend(sent_at, moment):",
        "if not self.lease.extend(moment, moment):",
        f"{HELD_TESTS}::test_the_lease_counts_from_when_the_beat_was_sent",
        since=LEASE,
    ),
    Mutant(
        "a lapsed lease is never revived",
        (
            Patch(LEASE, "self.term += not held\n", "self.term += 0\n"),
            Patch(
                HELD,
                """        if not self.lease.extend(sent_at, moment):
            self._withdraw("lease")
""",
                "        self.lease.extend(sent_at, moment)\n",
            ),
        ),
        (f"{HELD_TESTS}::test_a_lease_that_has_lapsed_is_not_revived_for_what_was_held_under_it",),
        since=LEASE,
    ),
    mutant(
        "a fenced process begins nothing that it held",
        HELD,
        """        self.lease.lose()
        self._withdraw("lease")
""",
        "        self.lease.holds(0)\n",
        f"{HELD_TESTS}::test_a_fenced_process_begins_nothing_that_it_held",
        since=LEASE,
    ),
    mutant(
        "heard check",
        HELD,
        '            self._withdraw("edit", lambda claim:'
        " any(edit.concerns(claim.mailing_id, claim.client_id) for edit in new))\n",
        "            new.clear()\n",
        f"{HELD_TESTS}::test_an_edit_takes_what_it_concerns",
        since=LEASE,
    ),
    mutant(
        "an edit heard while a claim was on its way",
        HELD,
        'return "edit" if self.heard.concern_since(terms.heard, claim.mailing_id, claim.client_id) else None',
        "return None",
        f"{HELD_TESTS}::test_an_edit_takes_what_it_concerns",
        since=LEASE,
    ),
    mutant(
        "name change after a claim of unknown fate",
        HELD,
        """        if not known:
            self.names.renew(self._clock())
""",
        "",
        f"{HELD_TESTS}::test_a_claim_of_unknown_fate_is_followed_by_another_name",
        since=LEASE,
    ),
    mutant(
        "name change every ten seconds",
        NAMES,
        "if moment - self._since >= RENEWED_SECONDS and self._next in self._beaten:",
        "if False:",
        f"{NAME_TESTS}::test_a_name_is_renewed_every_ten_seconds",
        since=LEASE,
    ),
    mutant(
        "an old name is beaten for while something needs it",
        NAMES,
        "return sorted({self._current, self._next, *self._holds})",
        "return sorted({self._current, self._next})",
        f"{NAME_TESTS}::test_an_earlier_name_falls_silent_once_nothing_needs_it",
        since=LEASE,
    ),
    mutant(
        "a name is beaten for before it is claimed under",
        NAMES,
        "return self._current in self._beaten",
        "return True",
        f"{NAME_TESTS}::test_a_name_is_claimed_under_only_after_a_beat",
        since=LEASE,
    ),
    mutant(
        "a beat brings every edit that it does not report",
        STORE,
        "AND id <> ALL ($2::bigint[])",
        "AND id > coalesce((SELECT max(h) FROM unnest($2::bigint[]) AS h), 0)",
        f"{CLAIM_TESTS}::test_a_beat_brings_the_edits_that_it_does_not_report",
        since=LEASE,
    ),
    mutant(
        "a beat of a fenced process fails",
        STORE,
        "WHERE id = $1 AND fenced_at IS NULL RETURNING id",
        "WHERE id = $1 RETURNING id",
        f"{CLAIM_TESTS}::test_a_fenced_process_is_unknown_and_its_names_live_on",
        since=LEASE,
    ),
    mutant(
        "an edit waits for every dispatcher",
        BARRIER,
        "    edit = await store.announce(pool, scope)\n",
        "    edit = await store.announce(pool, scope)\n    return\n",
        f"{BARRIER_TESTS}::test_an_edit_is_answered_once_every_dispatcher_has_heard_of_it",
        since=BARRIER,
    ),
    mutant(
        "an edit looks at all that ever flew",
        BARRIER_STORE,
        "SELECT EXISTS (SELECT FROM messages WHERE mailing_id = $1)",
        "SELECT EXISTS (SELECT FROM flights WHERE mailing_id = $1)",
        f"{BARRIER_TESTS}::test_an_edit_waits_although_the_flight_of_its_message_was_settled",
        since=BARRIER,
    ),
    mutant(
        "a dispatcher that joins later is not waited for",
        BARRIER_STORE,
        "WHERE id = ANY ($3::uuid[]) AND beat_at >",
        "WHERE $3::uuid[] IS NOT NULL AND beat_at >",
        f"{BARRIER_TESTS}::test_a_dispatcher_that_joins_later_is_not_waited_for",
        since=BARRIER,
    ),
    mutant(
        "a silent dispatcher is fenced",
        BARRIER,
        "if waited > SILENT_SECONDS:",
        "if waited < 0:",
        f"{BARRIER_TESTS}::test_a_silent_dispatcher_is_fenced_and_its_lease_waited_out",
        since=BARRIER,
    ),
    mutant(
        "the lease of a fenced dispatcher is waited out",
        BARRIER_STORE,
        "AND (fenced_at IS NOT NULL OR NOT heard",
        "AND (fenced_at IS NULL AND NOT heard",
        f"{BARRIER_TESTS}::test_a_silent_dispatcher_is_fenced_and_its_lease_waited_out",
        since=BARRIER,
    ),
    mutant(
        "a dispatcher whose lease ran out is not waited for",
        BARRIER_STORE,
        "WHERE id = ANY ($3::uuid[]) AND beat_at > clock_timestamp() - $2::interval\n",
        "WHERE id = ANY ($3::uuid[]) AND $2::interval IS NOT NULL\n",
        f"{BARRIER_TESTS}::test_a_dispatcher_whose_lease_ran_out_is_not_waited_for",
        since=BARRIER,
    ),
)

# Releases without locks, and the last resort of closings.
RELEASE: tuple[Mutant, ...] = (
    Mutant(
        "a planner without the lease releases nothing",
        (
            Patch(
                RELEASES,
                "AND w.owner = $1 AND w.closing_at IS NULL\n            FOR SHARE",
                "AND $1::uuid IS NOT NULL AND w.closing_at IS NULL\n            FOR SHARE",
            ),
            Patch(
                RELEASES,
                "AND w.owner = $1 AND w.closing_at IS NULL\n                AND w.release_cursor",
                "AND $1::uuid IS NOT NULL AND w.closing_at IS NULL\n                AND w.release_cursor",
            ),
        ),
        (f"{PLANNER_TESTS}::test_a_planner_without_the_lease_releases_nothing",),
        since=RELEASES_SCHEMA,
    ),
    mutant(
        "only who saw an attempt end asks for the next number",
        RELEASES,
        "WHEN claimed_number > folded_number THEN greatest(claimed_number, asked_number)",
        "WHEN claimed_number > folded_number THEN claimed_number + 1",
        f"{RELEASE_TESTS}::test_only_who_saw_an_attempt_end_hands_out_the_next_number",
        since=RELEASES_SCHEMA,
    ),
    mutant(
        "what is put back keeps the number it asked for",
        RELEASES,
        "WHEN claimed_number > folded_number THEN greatest(claimed_number, asked_number)",
        "WHEN claimed_number > folded_number THEN claimed_number",
        f"{RELEASE_TESTS}::test_only_who_saw_an_attempt_end_hands_out_the_next_number",
        since=RELEASES_SCHEMA,
    ),
    mutant(
        "fresh jobs that nobody saw confirmed are released again",
        RELEASES,
        "UPDATE flights f SET released_at = NULL\n            FROM leased l\n",
        "UPDATE flights f SET due_at = f.due_at\n            FROM leased l\n",
        f"{RELEASE_TESTS}::test_what_a_planner_that_lost_its_lease_may_not_have_published_is_released_again",
        since=RELEASES_SCHEMA,
    ),
    mutant(
        "a lost lease takes nothing back",
        RELEASES,
        "AND w.mailing_id = f.mailing_id AND w.owner = $1\n",
        "AND w.mailing_id = f.mailing_id AND $1::uuid IS NOT NULL\n",
        f"{RELEASE_TESTS}::test_a_lost_lease_takes_nothing_back",
        since=RELEASES_SCHEMA,
    ),
    mutant(
        "closing waits for a fence",
        CLOSING,
        "(m.status <> 'cancelled' AND f.folded_at > m.end_at + interval '1 s')",
        "(m.status <> 'cancelled')",
        f"{PLANNER_TESTS}::test_at_the_end_the_unclaimed_expire_at_once_and_claims_after_a_fence",
        since=RELEASES_SCHEMA,
    ),
    mutant(
        "closing waits for 25 s at most",
        CLOSING,
        "                OR clock_timestamp() > m.end_at + interval '25 s'\n",
        "",
        f"{PLANNER_TESTS}::test_a_missing_fence_holds_a_closing_up_for_25_seconds_at_most",
        since=RELEASES_SCHEMA,
    ),
)

# Results in bulk.
BULK: tuple[Mutant, ...] = (
    mutant(
        "a first success that was never claimed is not folded in bulk",
        FOLD_SCHEMA,
        " AND f.claimed_number >= 1\n",
        "\n",
        f"{FOLD_TESTS}::test_a_first_success_that_was_never_claimed_is_refused",
        since=FOLD_SCHEMA,
    ),
    mutant(
        "a bulk is folded whole or not at all",
        FOLD_SCHEMA,
        "    IF cardinality(ids) IS DISTINCT FROM cardinality(message_ids) THEN\n",
        "    IF false THEN\n",
        f"{FOLD_TESTS}::test_first_tries_are_folded_in_bulk_and_what_has_a_past_the_longer_way",
        since=FOLD_SCHEMA,
    ),
)

MUTANTS = CLAIMS + RESULTS + PLANNER + MAILINGS + EDITS + RELEASE + BULK + TROUBLE
