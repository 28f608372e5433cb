// One row in hand: its arrays and the sweeps over them. RowLoop decides their order.
#pragma once

#include "clip.cuh"
#include "policy.cuh"
#include "row_storage.cuh"

namespace clipkl {

enum Placement {
  ON_CHIP,   ///< working arrays in shared memory
  OFF_CHIP,  ///< the tables are read where they are; nothing but the logits changes
  EITHER     ///< as the launch says: shared memory, or the tables and a scratch slice
};

template <bool CLUSTERED, Placement PLACEMENT>
class Row {
 public:
  CLIPKL_DEVICE explicit Row(const RowsParameters& launch)
      : parameters(launch), divergence(launch), clip(launch.clipEpsilon) {
    stride = partLength(launch.columns, group.ranks);
    part.begin = min(group.rank * stride, launch.columns);
    part.length = min(stride, launch.columns - part.begin);
    lambda = float(launch.lambda);
    optimizer = Optimizer(launch.optimizer);
    backtracks = launch.stepRule == BACKTRACKING;
  }

  /// Reads a row and normalises its logits; the current policy is then the stored one.
  CLIPKL_DEVICE void load(int newRow) {
    row = newRow;
    current = Policy();
    Sum mass;
    Sum value;
    float largest = -infinity();
    float largestNegative = -infinity();
    TableRow reference(parameters.reference, row, part.begin);
    TableRow values(parameters.actionValues, row, part.begin);
    center = TableRow(parameters.actionValues, row, 0).load(0, 1).v[0];
    const float* logits = tableRow(parameters.logits);
    part.forEachQuad([&](int i, int live) {
      Quad x = loadQuad(logits, i, live);
      Quad q = values.load(i, live);
      if (isOnChip()) {
        storeQuad(workingArray(LOGITS), i, QUAD, x);
        storeQuad(workingArray(ACTION_VALUES), i, QUAD, q);
        storeQuad(workingArray(REFERENCE), i, QUAD, reference.load(i, live));
      }
      addMasses(x, q, live, 0, mass, value);
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        largest = fmaxf(largest, q.v[j]);
        largestNegative = fmaxf(largestNegative, -q.v[j]);
      }
    });
    if (isOnChip()) {
      loadMoments();
    }
    double results[4] = {mass.total(), value.total(), largest, largestNegative};
    group.template reduce<2>(results);
    actionValueSpan = results[2] + results[3];
    finishNormalizing(current, results[0], results[1]);
  }

  /// Writes the current logits and moments back.
  CLIPKL_DEVICE void store() {
    if (current.slot != TABLE_SLOT || isOnChip()) {
      copyToTable(logitsOf(current), parameters.logits);
    }
    if (hasProposedMoment(optimizer) && (current.momentSlot != TABLE_SLOT || isOnChip())) {
      copyToTable(momentOf(current), parameters.moment1);
    }
    if (optimizer == ADAM && isOnChip()) {
      copyToTable(moment(0), parameters.moment1);
      copyToTable(moment(1), parameters.moment2);
    }
  }

  /// Makes the current policy p_old.
  CLIPKL_DEVICE void anchor() {
    old = current;
    oldMeanValue = float(current.meanValue);
  }

  /// The surrogate, the mean coefficient and the clip fractions at a policy; at the anchor also the
  /// bound on what rounding makes of the surrogate.
  CLIPKL_DEVICE void measure(Policy& policy, bool isAnchor) {
    Sum kept;
    Sum weighted;
    Sum terms;
    Sum clipped;
    Sum binding;
    Sum outside;
    Sum deviation;
    int bindings = 0;
    Split normalizer(policy.logNormalizer);
    Split change(policy.logNormalizer - old.logNormalizer);
    const float* logits = logitsOf(policy);
    const float* oldLogits = logitsOf(old);
    part.forEachQuad([&](int i, int live) {
      Quad x = loadQuad(logits, i, live);
      Quad o = loadQuad(oldLogits, i, live);
      Quad r = logReference(i, live);
      Quad values = actionValues(i, live);
      float keptOf[QUAD];
      float weightedOf[QUAD];
      float termOf[QUAD];
      float clippedOf[QUAD];
      float bindingOf[QUAD];
      float outsideOf[QUAD];
      float deviationOf[QUAD];
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        float p = j < live ? exponential(x.v[j], policy.offset) * policy.inverse : 0.0f;
        float q = j < live ? exponential(r.v[j]) : 0.0f;
        float move = change.from(x.v[j] - o.v[j]);
        float advantage = values.v[j] - oldMeanValue;
        Measure at = divergence.measure(p, q, normalizer.from(x.v[j] - r.v[j]));
        bool isActive = clip.isActive(advantage, move);
        keptOf[j] = isActive ? 0.0f : p * advantage;
        weightedOf[j] = at.weighted;
        termOf[j] = at.term;
        deviationOf[j] = p * fabsf(advantage);
        outsideOf[j] = 0.0f;
        bindingOf[j] = 0.0f;
        clippedOf[j] = 0.0f;
        if (isActive || clip.isOutsideBand(move)) {
          float oldP = j < live ? exponential(o.v[j], old.offset) * old.inverse : 0.0f;
          outsideOf[j] = oldP;
          if (isActive) {
            bindingOf[j] = oldP;
            clippedOf[j] = oldP * clip.boundedAdvantage(advantage);
            bindings += j < live ? 1 : 0;
          }
        }
      }
      kept.add(keptOf);
      weighted.add(weightedOf);
      terms.add(termOf);
      clipped.add(clippedOf);
      binding.add(bindingOf);
      outside.add(outsideOf);
      deviation.add(deviationOf);
    });
    double sums[8] = {kept.total(),    weighted.total(), terms.total(),     clipped.total(),
                      binding.total(), outside.total(),  deviation.total(), double(bindings)};
    group.template reduce<8>(sums);
    policy.meanCoefficient = sums[0] - parameters.lambda * sums[1];
    policy.surrogate = sums[0] + sums[3] - parameters.lambda * sums[2];
    policy.bindingMass = sums[4];
    policy.outsideMass = sums[5];
    policy.bindingActions = int(sums[7]);
    if (isAnchor) {
      evaluationError = EVALUATION_ERROR * (parameters.lambda + sums[6]);
    }
  }

  /// The ascent direction at the current policy: its scalars, and Adam's moments. The direction
  /// itself is formed again where the logits move.
  CLIPKL_DEVICE void direction(int momentumSteps, Ascent& ascent) {
    if (momentumSteps == 1) {
      clearMoments();
    }
    if (optimizer == ADAM) {
      correction1 = float(biasCorrection(BETA1, momentumSteps));
      correction2 = float(biasCorrection(BETA2, momentumSteps));
    }
    Sum slope;
    Sum squares;
    Sum alongVelocity;
    float largest = -infinity();
    float largestNegative = -infinity();
    float largestCoefficient = -infinity();
    float largestNegativeCoefficient = -infinity();
    float largestCurvature = 0.0f;
    Slopes slopes(*this);
    part.forEachQuad([&](int i, int live) {
      slopes.take(i, live);
      if (optimizer == ADAM) {
        advanceMoments(i, live, slopes.gradient);
      }
      Quad d = directionOf(i, live, slopes);
      float slopeOf[QUAD];
      float squareOf[QUAD];
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        slopeOf[j] = slopes.gradient.v[j] * d.v[j];
        squareOf[j] = slopes.gradient.v[j] * slopes.gradient.v[j];
        largest = fmaxf(largest, d.v[j]);
        largestNegative = fmaxf(largestNegative, -d.v[j]);
        largestCoefficient = fmaxf(largestCoefficient, slopes.coefficient.v[j]);
        largestNegativeCoefficient =
            fmaxf(largestNegativeCoefficient, -slopes.coefficient.v[j]);
        float centred = slopes.coefficient.v[j] - slopes.mean;
        largestCurvature =
            fmaxf(largestCurvature, fabsf(centred - lambda * slopes.curvature.v[j]));
      }
      slope.add(slopeOf);
      squares.add(squareOf);
      if (optimizer == NESTEROV) {
        Quad velocity = loadQuad(momentOf(current), i, live);
        float alongOf[QUAD];
#pragma unroll
        for (int j = 0; j < QUAD; j++) {
          alongOf[j] = slopes.gradient.v[j] * velocity.v[j];
        }
        alongVelocity.add(alongOf);
      }
    });
    double results[8] = {slope.total(),   squares.total(),    alongVelocity.total(),
                         largest,         largestNegative,    largestCoefficient,
                         largestNegativeCoefficient, largestCurvature};
    group.template reduce<3>(results);
    ascent.slope = results[0];
    ascent.squaredNorm = results[1];
    ascent.momentumSlope = results[2];
    ascent.span = results[3] + results[4];
    ascent.coefficientSpan = results[5] + results[6];
    ascent.largestCurvature = results[7];
  }

  /// Moves the logits along the direction, to where the current policy's may be replaced by accept.
  ///
  /// With Nesterov's velocity v: v' = momentum v + step direction, and the proposal is theta + step
  /// direction + nextMomentum v'.
  CLIPKL_DEVICE void propose(double step, double momentum, double nextMomentum) {
    proposed = Policy();
    proposed.slot = freeSlot();
    proposed.momentSlot = hasProposedMoment(optimizer) && backtracks ? 1 - current.momentSlot
                                                                     : current.momentSlot;
    float* to = logitsOf(proposed);
    float stepSingle = float(step);
    float momentumSingle = float(momentum);
    float nextSingle = float(nextMomentum);
    Sum mass;
    Sum value;
    Slopes slopes(*this);
    part.forEachQuad([&](int i, int live) {
      slopes.take(i, live);
      Quad d = directionOf(i, live, slopes);
      Quad moved;
      if (hasProposedMoment(optimizer)) {
        Quad before = loadQuad(momentOf(current), i, live);
        Quad after;
#pragma unroll
        for (int j = 0; j < QUAD; j++) {
          float x = slopes.logits.v[j];
          if (optimizer == GRADIENT) {
            float increment = fmaf(d.v[j], stepSingle, before.v[j]);
            moved.v[j] = x + increment;
            after.v[j] = increment - (moved.v[j] - x);
          } else {
            float move = d.v[j] * stepSingle;
            after.v[j] = fmaf(before.v[j], momentumSingle, move);
            moved.v[j] = fmaf(after.v[j], nextSingle, x + move);
          }
        }
        storeQuad(momentOf(proposed), i, live, after);
      } else {
#pragma unroll
        for (int j = 0; j < QUAD; j++) {
          moved.v[j] = fmaf(d.v[j], stepSingle, slopes.logits.v[j]);
        }
      }
      storeQuad(to, i, live, moved);
      addMasses(moved, slopes.values, live, 0, mass, value);
    });
    double sums[2] = {mass.total(), value.total()};
    group.template reduce<2>(sums);
    finishNormalizing(proposed, sums[0], sums[1]);
    measure(proposed, false);
  }

  /// Makes the proposal the current policy.
  CLIPKL_DEVICE void accept() { current = proposed; }

  /// Writes the gradient at the current policy, p_old.
  CLIPKL_DEVICE void writeGradient() {
    measure(current, true);
    float* to = tableRow(parameters.gradients);
    Slopes slopes(*this);
    part.forEachQuad([&](int i, int live) {
      slopes.take(i, live);
      storeQuad(to, i, live, slopes.gradient);
    });
  }

  CLIPKL_DEVICE Quad logReference(int i, int live) const {
    if (isOnChip()) {
      return loadQuad(workingArray(REFERENCE), i, live);
    }
    return TableRow(parameters.reference, row, part.begin).load(i, live);
  }

  CLIPKL_DEVICE Quad actionValues(int i, int live) const {
    if (isOnChip()) {
      return loadQuad(workingArray(ACTION_VALUES), i, live);
    }
    return TableRow(parameters.actionValues, row, part.begin).load(i, live);
  }

  CLIPKL_DEVICE float* logitsOf(const Policy& policy) const {
    if (isOnChip()) {
      return workingArray(LOGITS + policy.slot);
    }
    return policy.slot == TABLE_SLOT ? tableRow(parameters.logits) : scratchArray(policy.slot - 1);
  }

  const RowsParameters& parameters;
  Divergence divergence;
  Clip clip;
  RowGroup<CLUSTERED> group;
  Part part;
  int row = 0;
  Policy current;
  Policy proposed;
  Policy old;
  double actionValueSpan = 0.0;
  double evaluationError = 0.0;

 private:
  /// Rounding of log-ratios, and of what divergences make of them, within the surrogate's sum.
  static constexpr double EVALUATION_ERROR = 1.0 / (1 << 21);

  static constexpr double LEAST_NORMALIZER = 1.0 / (1 << 30);
  static constexpr double LARGEST_NORMALIZER = 1 << 30;
  static constexpr double BETA1 = 0.9;
  static constexpr double BETA2 = 0.999;
  static constexpr float ADAM_EPSILON = 1e-8f;

  /// Off the chip, slot 0 is the table's own row.
  static constexpr int TABLE_SLOT = 0;

  /// Order of the working arrays; moments follow the logits.
  static constexpr int REFERENCE = 0;
  static constexpr int ACTION_VALUES = 1;
  static constexpr int LOGITS = 2;

  /// Gradients and coefficients of one quad at the current policy.
  struct Slopes {
    const Row& row;
    Split normalizer;
    Split change;
    float mean;
    bool clips;
    Quad logits;
    Quad values;
    Quad gradient;     ///< p (G - E_p G)
    Quad coefficient;  ///< G
    Quad curvature;    ///< w f''(w)

    CLIPKL_DEVICE explicit Slopes(const Row& of)
        : row(of),
          normalizer(of.current.logNormalizer),
          change(of.current.logNormalizer - of.old.logNormalizer),
          mean(float(of.current.meanCoefficient)),
          clips(of.current.bindingActions > 0) {}

    CLIPKL_DEVICE void take(int i, int live) {
      logits = loadQuad(row.logitsOf(row.current), i, live);
      values = row.actionValues(i, live);
      Quad r = row.logReference(i, live);
      Quad kept;
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        kept.v[j] = values.v[j] - row.oldMeanValue;
      }
      if (clips) {
        Quad o = loadQuad(row.logitsOf(row.old), i, live);
#pragma unroll
        for (int j = 0; j < QUAD; j++) {
          bool isActive = row.clip.isActive(kept.v[j], change.from(logits.v[j] - o.v[j]));
          kept.v[j] = isActive ? 0.0f : kept.v[j];
        }
      }
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        float mass = j < live ? exponential(logits.v[j], row.current.offset) : 0.0f;
        float p = mass * row.current.inverse;
        float q = j < live ? exponential(r.v[j]) : 0.0f;
        Measure at = row.divergence.measure(p, q, normalizer.from(logits.v[j] - r.v[j]));
        gradient.v[j] = p * (kept.v[j] - mean) - row.lambda * at.weighted;
        coefficient.v[j] = kept.v[j] - row.lambda * at.derivative;
        curvature.v[j] = at.curvature;
      }
    }
  };

  CLIPKL_DEVICE bool isOnChip() const {
    if constexpr (PLACEMENT == EITHER) {
      return parameters.arrays != 0;
    } else {
      return PLACEMENT == ON_CHIP;
    }
  }

  CLIPKL_DEVICE float* workingArray(int index) const {
    return reinterpret_cast<float*>(sharedMemory() + REDUCTION_BYTES) + index * stride;
  }

  CLIPKL_DEVICE float* scratchArray(int index) const {
    char* slice = reinterpret_cast<char*>(parameters.scratch) +
                  blockIndex() * parameters.scratchBytesPerBlock;
    return reinterpret_cast<float*>(slice) + (long long)index * stride;
  }

  /// This block's part of the row in a float32 table.
  CLIPKL_DEVICE float* tableRow(const TableView& view) const {
    return reinterpret_cast<float*>(static_cast<char*>(view.data) + row * view.rowBytes) +
           part.begin;
  }

  /// An optimizer's array: 0 and 1 are its tables', or Nesterov's and GRADIENT's proposed one.
  CLIPKL_DEVICE float* moment(int slot) const {
    int logitArrays = backtracks ? 3 : 2;
    if (isOnChip()) {
      return workingArray(LOGITS + logitArrays + slot);
    }
    if (slot == TABLE_SLOT) {
      return tableRow(parameters.moment1);
    }
    return optimizer == ADAM ? tableRow(parameters.moment2) : scratchArray(logitArrays - 1);
  }

  CLIPKL_DEVICE float* momentOf(const Policy& policy) const { return moment(policy.momentSlot); }

  CLIPKL_DEVICE void loadMoments() {
    if (hasProposedMoment(optimizer) || optimizer == ADAM) {
      copy(tableRow(parameters.moment1), moment(0));
    }
    if (optimizer == ADAM) {
      copy(tableRow(parameters.moment2), moment(1));
    }
  }

  CLIPKL_DEVICE void copyToTable(const float* from, const TableView& view) {
    copy(from, tableRow(view));
  }

  CLIPKL_DEVICE void copy(const float* from, float* to) {
    part.forEachQuad([&](int i, int live) { storeQuad(to, i, live, loadQuad(from, i, live)); });
  }

  CLIPKL_DEVICE void clearMoments() {
    Quad zero = {{0.0f, 0.0f, 0.0f, 0.0f}};
    if (hasProposedMoment(optimizer)) {
      part.forEachQuad([&](int i, int live) { storeQuad(momentOf(current), i, live, zero); });
    } else if (optimizer == ADAM) {
      part.forEachQuad([&](int i, int live) {
        storeQuad(moment(0), i, live, zero);
        storeQuad(moment(1), i, live, zero);
      });
    }
  }

  /// A slot that holds neither p_old nor, where a step may be refused, the current policy.
  CLIPKL_DEVICE int freeSlot() const {
    if (!backtracks) {
      return 1 - old.slot;
    }
    if (current.slot == old.slot) {
      return current.slot == 0 ? 1 : 0;
    }
    return 3 - current.slot - old.slot;
  }

  /// Adds a quad's masses, and the masses times action values about the centre.
  CLIPKL_DEVICE void addMasses(const Quad& x, const Quad& values, int live, int offset, Sum& mass,
                               Sum& value) const {
    float massOf[QUAD];
    float valueOf[QUAD];
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      massOf[j] = j < live ? exponential(x.v[j], offset) : 0.0f;
      valueOf[j] = massOf[j] * (values.v[j] - center);
    }
    mass.add(massOf);
    value.add(valueOf);
  }

  /// From sums at offset 0 to the policy's normaliser. Where they leave the range in which every
  /// mass that matters is a normal number, they are taken again with an offset, which depends on
  /// the logits alone.
  CLIPKL_DEVICE void finishNormalizing(Policy& policy, double sum, double valueSum) {
    if (!(sum > LEAST_NORMALIZER && sum < LARGEST_NORMALIZER)) {
      const float* logits = logitsOf(policy);
      float largest = -infinity();
      part.forEachQuad([&](int i, int live) {
        Quad x = loadQuad(logits, i, live);
        largest = fmaxf(largest, fmaxf(fmaxf(x.v[0], x.v[1]), fmaxf(x.v[2], x.v[3])));
      });
      double maximum[1] = {largest};
      group.template reduce<0>(maximum);
      if (fabs(maximum[0]) < 1e6) {
        policy.offset = int(rint(maximum[0] / LOG_2));
      }
      Sum mass;
      Sum value;
      part.forEachQuad([&](int i, int live) {
        addMasses(loadQuad(logits, i, live), actionValues(i, live), live, policy.offset, mass,
                  value);
      });
      double sums[2] = {mass.total(), value.total()};
      group.template reduce<2>(sums);
      sum = sums[0];
      valueSum = sums[1];
    }
    policy.logNormalizer = policy.offset * LOG_2 + log(sum);
    policy.inverse = float(1.0 / sum);
    policy.meanValue = double(center) + valueSum / sum;
  }

  /// 1 / (1 - beta^steps).
  static CLIPKL_DEVICE double biasCorrection(double beta, int steps) {
    double power = 1.0;
    for (int rest = steps; rest > 0; rest >>= 1) {
      power = (rest & 1) != 0 ? power * beta : power;
      beta *= beta;
    }
    return 1.0 / (1.0 - power);
  }

  CLIPKL_DEVICE void advanceMoments(int i, int live, const Quad& gradient) const {
    Quad first = loadQuad(moment(0), i, live);
    Quad second = loadQuad(moment(1), i, live);
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float g = gradient.v[j];
      first.v[j] = first.v[j] * float(BETA1) + g * float(1.0 - BETA1);
      second.v[j] = second.v[j] * float(BETA2) + g * g * float(1.0 - BETA2);
    }
    storeQuad(moment(0), i, live, first);
    storeQuad(moment(1), i, live, second);
  }

  CLIPKL_DEVICE Quad directionOf(int i, int live, const Slopes& slopes) const {
    Quad d;
    if (hasProposedMoment(optimizer)) {
      d = slopes.gradient;
    } else if (optimizer == ADAM) {
      Quad first = loadQuad(moment(0), i, live);
      Quad second = loadQuad(moment(1), i, live);
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        d.v[j] = first.v[j] * correction1 / (sqrtf(second.v[j] * correction2) + ADAM_EPSILON);
      }
    } else if (optimizer == NATURAL) {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        d.v[j] = (slopes.coefficient.v[j] - slopes.mean) / lambda;
      }
    } else {
      float least = optimizer == NEWTON ? 0.0f : float(divergence.curvatureAtReference());
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        float curvature = fmaxf(slopes.curvature.v[j], least);
        d.v[j] = (slopes.coefficient.v[j] - slopes.mean) / (curvature * lambda);
      }
    }
    return d;
  }

  int stride;
  float lambda;
  Optimizer optimizer;
  bool backtracks;
  float center = 0.0f;
  float oldMeanValue = 0.0f;
  float correction1 = 1.0f;
  float correction2 = 1.0f;
};

}  // namespace clipkl
