package dev.clipkl.dashboard;

import dev.clipkl.metrics.MetricRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What has happened in a run, for readers that come at any time and are as slow as they like.
 *
 * <p>Everything has a number, counted from 1; a reader asks for what is newer than the last number
 * it has. The run's thread adds and signals, and never waits for a reader. Memory is bounded: when
 * {@link #MOST_RECORDS} are reached, every other one is left out.
 */
final class RunHistory {
  /** More points than a chart has pixels. */
  static final int MOST_RECORDS = 2000;

  private static final int MOST_NOTES = 200;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition news = lock.newCondition();
  private final List<Numbered<MetricRecord>> records = new ArrayList<>();
  private final List<Numbered<String>> notes = new ArrayList<>();
  private @Nullable Numbered<String> end;
  private long latest;

  private record Numbered<T>(long number, T what) {}

  /**
   * What is newer than a number.
   *
   * @param latest the number of the newest
   * @param current the newest record there is, whether newer or not
   * @param end why the run has ended; null while it goes on
   */
  record News(
      long latest,
      List<MetricRecord> records,
      List<String> notes,
      @Nullable MetricRecord current,
      @Nullable String end) {
    boolean isEmpty() {
      return records.isEmpty() && notes.isEmpty() && end == null;
    }
  }

  void add(MetricRecord record) {
    lock.lock();
    try {
      if (records.size() >= MOST_RECORDS) {
        thin();
      }
      records.add(new Numbered<>(nextNumber(), record));
    } finally {
      lock.unlock();
    }
  }

  /** The first one stays: it is where the run came from. */
  private void thin() {
    List<Numbered<MetricRecord>> kept = new ArrayList<>();
    for (int n = 0; n < records.size(); n += 2) {
      kept.add(records.get(n));
    }
    records.clear();
    records.addAll(kept);
  }

  void note(String line) {
    lock.lock();
    try {
      if (notes.size() < MOST_NOTES) {
        notes.add(new Numbered<>(nextNumber(), line));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Says why the run has ended; only the first reason counts. */
  void end(String reason) {
    lock.lock();
    try {
      if (end == null) {
        end = new Numbered<>(nextNumber(), reason);
      }
    } finally {
      lock.unlock();
    }
  }

  private long nextNumber() {
    latest++;
    news.signalAll();
    return latest;
  }

  /** The newest number. */
  long latest() {
    lock.lock();
    try {
      return latest;
    } finally {
      lock.unlock();
    }
  }

  /**
   * What is newer than {@code number}, as soon as there is anything; nothing when there is none for
   * so long.
   */
  News after(long number, Duration longest) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      long nanos = longest.toNanos();
      while (latest <= number && nanos > 0) {
        nanos = news.awaitNanos(nanos);
      }
      return new News(
          latest,
          newer(records, number),
          newer(notes, number),
          records.isEmpty() ? null : records.getLast().what(),
          end == null || end.number() <= number ? null : end.what());
    } finally {
      lock.unlock();
    }
  }

  private static <T> List<T> newer(List<Numbered<T>> all, long number) {
    int first = all.size();
    while (first > 0 && all.get(first - 1).number() > number) {
      first--;
    }
    return all.subList(first, all.size()).stream().map(Numbered::what).toList();
  }
}
