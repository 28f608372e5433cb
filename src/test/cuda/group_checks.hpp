// Masses by group and rows in layers, held against plain loops.
#pragma once

#include "comparisons.hpp"

constexpr int NO_GROUP = -1;

/// Groups of columns as the kernels take them, largest bins first.
inline clipkl::GroupsView makeGroups(Tables& tables, const std::vector<int>& groupOfColumn, int count,
                                     int blockColumns, int warpColumns) {
  std::vector<std::vector<int>> bins(count + 1);
  for (size_t a = 0; a < groupOfColumn.size(); a++) {
    bins[groupOfColumn[a] == NO_GROUP ? count : groupOfColumn[a]].push_back(int(a));
  }
  std::vector<int> order;
  for (int group = 0; group < count + (bins[count].empty() ? 0 : 1); group++) {
    order.push_back(group);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return bins[a].size() > bins[b].size(); });
  std::vector<int> columns;
  std::vector<int> starts = {0};
  clipkl::GroupsView view = {};
  for (int group : order) {
    columns.insert(columns.end(), bins[group].begin(), bins[group].end());
    starts.push_back(int(columns.size()));
    int size = int(bins[group].size());
    view.blockBins += size >= blockColumns ? 1 : 0;
    view.warpBins += size < blockColumns && size >= warpColumns ? 1 : 0;
  }
  view.columns = tables.put(columns);
  view.starts = tables.put(starts);
  view.groupOf = tables.put(order);
  // Nothing may count on zeros.
  view.masses = tables.put(std::vector<double>(size_t(count) * tables.parameters.rows, std::nan("")));
  view.count = count;
  view.bins = int(order.size());
  return view;
}

/// A third of the columns in one group, a tenth in none, some dozens in each of a few, and the rest
/// in groups of one or two; the last group has no column.
inline std::vector<int> mixedGroups(int columns, int& count) {
  std::vector<int> groupOfColumn(columns);
  int singles = 6;
  for (int a = 0; a < columns; a++) {
    int kind = a * 7 % 30;
    groupOfColumn[a] = kind < 10   ? 0
                       : kind < 13 ? NO_GROUP
                       : kind < 17 ? 1 + a % 5
                                   : singles + (a / 2 - a / 5) % (columns / 3 + 1);
  }
  count = singles + columns / 3 + 2;
  return groupOfColumn;
}

inline void checkGroups(const shim::Kernel& evaluate, const oracle::Program& program, int columns,
                        const shim::Schedule& schedule) {
  std::vector<oracle::Row> rows = makeRows(columns, 19);
  // A row whose masses need an offset.
  for (double& logit : rows[1].logits) {
    logit = float(logit + 300.0);
  }
  for (bool isMixed : {true, false}) {
    int count = 1;
    std::vector<int> groupOfColumn(columns, 0);
    if (isMixed) {
      groupOfColumn = mixedGroups(columns, count);
    }
    std::string bits;
    for (int blocks : {2, 1}) {
      Tables tables(rows, program);
      tables.parameters.groups = makeGroups(tables, groupOfColumn, count, 600, 16);
      tables.launch(evaluate, {"", blocks, 1, false}, blocks == 2 ? schedule : shim::Schedule());
      const double* masses = tables.parameters.groups.masses;
      std::string what = std::to_string(columns) + " columns, mass of group ";
      for (int row = 0; row < ROWS; row++) {
        std::vector<double> expected(count);
        std::vector<double> p = oracle::softmax(rows[row].logits);
        double total = 0.0;
        double grouped = 0.0;
        for (int a = 0; a < columns; a++) {
          if (groupOfColumn[a] != NO_GROUP) {
            expected[groupOfColumn[a]] += p[a];
            grouped += p[a];
          }
        }
        for (int group = 0; group < count; group++) {
          double got = masses[row * count + group];
          expectClose(got, expected[group], 3e-7 * expected[group],
                      what + std::to_string(group) + " of row " + std::to_string(row));
          total += got;
        }
        // One group for all has exactly 1.
        expectClose(total, isMixed ? grouped : 1.0, isMixed ? 1e-7 : 0.0, what + "all together");
      }
      std::string now(reinterpret_cast<const char*>(masses), sizeof(double) * count * ROWS);
      if (!bits.empty() && bits != now) {
        fail(what + "any: other bits on one block");
      }
      bits = now;
    }
  }
}

/// Rows in layers come out as if each were stored: on the chip and off it, evaluated and trained.
inline void checkLayers(const shim::Kernel& evaluate, const shim::Kernel& run,
                        const oracle::Program& program, int columns, const Shape& shape) {
  std::vector<std::vector<double>> shared(4);
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(-2.0, 2.0);
  for (auto& row : shared) {
    for (int a = 0; a < columns; a++) {
      row.push_back(uniform(random));
    }
  }
  // All rows of a layer are stored, or those from another state on.
  for (int placedState : {0, 1}) {
    std::vector<oracle::Row> rows = makeRows(columns, 23);
    Tables layered(rows, program);
    layered.layer(2, 3 + placedState, placedState, shared, rows);
    Tables plain(rows, program);
    std::string what = std::to_string(columns) + " columns in layers, " + shape.name;
    for (Tables* tables : {&layered, &plain}) {
      tables->launch(evaluate, {"", 2, 1, false}, {});
    }
    if (layered.results() != plain.results()) {
      fail(what + ": other bits of an evaluation");
    }
    for (Tables* tables : {&layered, &plain}) {
      tables->launch(run, shape, {});
    }
    if (layered.results() != plain.results()) {
      fail(what + ": other bits of a run");
    }
  }
}
