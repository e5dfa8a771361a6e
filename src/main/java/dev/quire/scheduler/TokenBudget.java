package dev.quire.scheduler;

/**
 * Tokens one step may compute. While running sequences are served, one token is kept back for each that is still to
 * come, so a long prompt never starves the sequences behind it.
 */
final class TokenBudget {
    private final int perStep;
    private int remaining;

    TokenBudget(int perStep) {
        this.perStep = perStep;
    }

    void reset() {
        remaining = perStep;
    }

    /** What a sequence that wants {@code wanted} tokens may have when {@code numBehind} more are to come. */
    int grant(int wanted, int numBehind) {
        return Math.min(wanted, Math.max(remaining - numBehind, Math.min(1, remaining)));
    }

    void spend(int count) {
        remaining -= count;
    }

    int remaining() {
        return remaining;
    }
}
