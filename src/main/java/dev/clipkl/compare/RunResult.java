package dev.clipkl.compare;

import org.jspecify.annotations.Nullable;

/**
 * What is known of a run at the end.
 *
 * @param planned the run
 * @param fingerprint its problem's
 * @param policy its numbers beside the exact optimum's; null where the run had to be given up
 * @param measured the trained policy in float64; null as well
 * @param failure why it was given up; null when it was not
 */
record RunResult(
    PlannedRun planned,
    String fingerprint,
    @Nullable ComparedPolicy policy,
    @Nullable MeasuredPolicy measured,
    @Nullable String failure) {}
