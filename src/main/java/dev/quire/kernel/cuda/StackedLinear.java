package dev.quire.kernel.cuda;

import dev.quire.tensor.DType;
import java.util.List;
import java.util.stream.Collectors;

/** Matrices of different forms stacked along outFeatures: each writes its own columns of the result. */
record StackedLinear(int outFeatures, int inFeatures, List<CudaLinear> parts) implements CudaLinear {
    StackedLinear {
        parts = List.copyOf(parts);
    }

    @Override
    public long weightBytes() {
        long bytes = 0;
        for (int i = 0; i < parts.size(); i++) {
            bytes += parts.get(i).weightBytes();
        }
        return bytes;
    }

    @Override
    public void multiply(long x, int xStride, long out, int outStride, DType outType, int rows) {
        long at = out;
        for (int i = 0; i < parts.size(); i++) {
            CudaLinear part = parts.get(i);
            part.multiply(x, xStride, at, outStride, outType, rows);
            at += (long) part.outFeatures() * outType.sizeBytes();
        }
    }

    @Override
    public String describe(int rows) {
        return parts.stream().map(part -> part.describe(rows)).collect(Collectors.joining(" + "));
    }
}
