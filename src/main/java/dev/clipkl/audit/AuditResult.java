package dev.clipkl.audit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an audit found.
 *
 * @param klPolicyToReference {@code KL(p || q)}, nats, exact
 * @param klReferenceToPolicy {@code KL(q || p)}, nats, exact
 * @param klSamplerToPolicy {@code KL(mu || p)}, nats, exact; null where p samples for itself
 * @param targets one per {@link AuditTarget}
 * @param intervals how many intervals were computed
 * @param missed how many of them miss their estimator's own exact expectation
 */
public record AuditResult(
    double klPolicyToReference,
    double klReferenceToPolicy,
    @Nullable Double klSamplerToPolicy,
    List<TargetAudit> targets,
    long intervals,
    long missed) {}
