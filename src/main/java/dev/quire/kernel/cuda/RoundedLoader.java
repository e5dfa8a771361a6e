package dev.quire.kernel.cuda;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import java.util.List;

/** Keeps matrices with rounded inputs that no other loader takes as if their inputs were not, and rounds those by itself. */
final class RoundedLoader implements LinearLoader {
    /** The last one takes every matrix. */
    private final List<LinearLoader> others;

    private final RoundTrip roundTrip;
    private final RoundingScratch scratch;

    RoundedLoader(List<LinearLoader> others, RoundTrip roundTrip, RoundingScratch scratch) {
        this.others = others;
        this.roundTrip = roundTrip;
        this.scratch = scratch;
    }

    private static LinearWeight.Quantized plain(LinearWeight leaf) {
        LinearWeight.Quantized own = (LinearWeight.Quantized) leaf;
        return new LinearWeight.Quantized(own.name(), own.matrix(), ActivationScheme.NONE, own.bias());
    }

    private LinearLoader other(LinearWeight.Leaf plain) {
        return others.stream().filter(loader -> loader.takes(plain)).findFirst().orElseThrow();
    }

    @Override
    public boolean takes(LinearWeight.Leaf leaf) {
        return leaf instanceof LinearWeight.Quantized quantized
                && quantized.activations().kind() != ActivationScheme.Kind.NONE;
    }

    @Override
    public boolean joins(LinearWeight.Leaf first, LinearWeight.Leaf next) {
        return false;
    }

    @Override
    public RoundedLinear load(LinearWeight weight) {
        LinearWeight.Quantized plain = plain(weight);
        scratch.announce(RoundTrip.demand(weight.inFeatures()));
        return new RoundedLinear(other(plain).load(plain), ((LinearWeight.Quantized) weight).activations(), roundTrip);
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        LinearWeight.Quantized plain = plain(weight);
        scratch.announce(RoundTrip.demand(weight.inFeatures()));
        return other(plain).residentBytes(plain);
    }
}
