package dev.clipkl.bench;

import java.util.List;

/**
 * What was timed and what came out.
 *
 * @param vocabulary actions of a row
 * @param threads of the engines and of the memory sweep
 * @param engines what each engine says of itself
 * @param memoryNanoseconds of a bare sweep with 4 reads and 1 write of float32, per entry
 * @param memoryGigabytesPerSecond the same as a bandwidth, at the median
 * @param rounds measured rounds
 * @param warmUpRounds rounds before them
 */
public record BenchResult(
    int vocabulary,
    int threads,
    List<String> engines,
    Spread memoryNanoseconds,
    double memoryGigabytesPerSecond,
    int rounds,
    int warmUpRounds,
    List<BenchLine> lines) {}
