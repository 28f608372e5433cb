package dev.clipkl.certify;

/**
 * What is checked, with the equation of the theory that states it. The order is that of the report.
 */
enum Claim {
  REFERENCE_POSITIVE("reference probability above 0", "min q > c_ref", false),
  START_POSITIVE("every state can be the start", "min u(s) > c_u", false),
  DERIVATIVES_BOUNDED("derivatives of f bounded along the run", "E_p|f'| + E_p[w f''] < inf", true),
  STEP_IN_RANGE("step within the certified range", "eta <= 1 / L_s (3.4)", true),
  SCORE_NORM("norm of the score", "|e_a - p| <= sqrt 2 (3)", true),
  SCORE_GRADIENT("gradient of the score", "|H(p)| <= 1/2, paper 1 (3)", true),
  PROBABILITY_LIPSCHITZ("Lipschitz constant of grad p", "<= 1/(3 sqrt 3), paper 3 (3)", true),
  STRONG_CONCAVITY("strong concavity in p", "lambda f''/q >= lambda m_s (1.9)", false),
  ROW_CURVATURE("row curvature along the gradient", "<= max|c - lambda w f''|/2 (1.7)", true),
  ROW_SMOOTHNESS("row smoothness L_s", "|v'Hv| <= L_s (3.3)", true),
  VALUE_CURVATURE("curvature of V along the gradient", "<= L_loc (3.2)", true),
  PAPER_SMOOTHNESS("local bound L_loc beside the paper's L_f", "L_loc <= L_f (3.1)", true),
  ROW_LOJASIEWICZ("Lojasiewicz inequality, rows", "|g|^2 / (2 lambda kappa gap) >= 1 (4.1)", false),
  GAP_CERTIFICATE("gap certificate, rows", "gap <= sum c^2/m / (2 lambda) (4.1)", true),
  LOJASIEWICZ("Lojasiewicz inequality, whole", "|grad V|^2 / (C^2 gap) >= 1 (4.2)", false),
  BELLMAN_LOWER("gap at least the mean row gap", "u.g <= u.(V* - V) (2.6)", true),
  BELLMAN_UPPER("gap at most the largest row gap", "u.(V* - V) <= max g/(1-gamma) (2.6)", true),
  MONOTONE("value never falls, at any state", "fall of V(s) <= rounding (1.8)", true),
  CONTRACTION("contraction of each row's gap", "gap' <= (1 - phi) gap (4.3)", true),
  VALUE_CONTRACTION(
      "contraction of V* - V", "|V* - V'| <= (1 - (1 - gamma) phi) |V* - V| (4.3)", true),
  SPAN_CONTRACTION("span of log p - log p* never grows", "span' <= span (4.4)", true),
  INTERIOR("policy stays interior", "log p >= its bound (4.4)", false),
  FIRST_RATIO("ratio is 1 at the first inner step", "clipped actions = 0 (1.6)", true),
  CLIP_RATIO("ratio bounded by the logits' move", "|log rho| <= span(move) (5.2)", true),
  SAFE_FIRST_STEP("safe first step stays in the band", "clipped actions = 0 (5.3)", true),
  OPTIMUM_BOUNDS("optimum known to its own error", "upper - lower (2.1, 2.6)", true),
  TAIL_RATE("measured tail rate", "<= max (1 - eta mu)^2 + 2 % (4.5)", true),
  REPRODUCTION("replay gives the stored policy", "differing entries = 0", true);

  private final String title;
  private final String equation;
  private final boolean atMost;

  Claim(String title, String equation, boolean atMost) {
    this.title = title;
    this.equation = equation;
    this.atMost = atMost;
  }

  String title() {
    return title;
  }

  String equation() {
    return equation;
  }

  /** Whether the measured number must be at most the bound, rather than at least. */
  boolean isAtMost() {
    return atMost;
  }
}
