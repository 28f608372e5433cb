package dev.clipkl.audit;

import java.util.List;

/**
 * All estimators of one divergence from one law.
 *
 * @param target which
 * @param exact the divergence, nats, a sum over the whole vocabulary
 * @param gradientNorm the Euclidean norm of its gradient with respect to all rows' logits
 * @param values estimators as numbers to report
 * @param gradients estimators as sources of gradients
 */
public record TargetAudit(
    AuditTarget target,
    double exact,
    double gradientNorm,
    List<ValueAudit> values,
    List<GradientAudit> gradients) {}
