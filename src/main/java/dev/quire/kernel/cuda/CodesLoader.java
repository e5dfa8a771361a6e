package dev.quire.kernel.cuda;

import dev.quire.kernel.LinearWeight;
import dev.quire.tensor.ActivationScheme;
import dev.quire.tensor.QuantizedMatrix;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Keeps E4M3 matrices as they are, and 8-bit integers whose inputs are rounded to integers: one byte an element. */
final class CodesLoader implements LinearLoader {
    /** What products depend on; matrices of the same form share what was measured. */
    private record FormKey(
            int outFeatures,
            int inFeatures,
            boolean integers,
            boolean groups,
            int scaleRows,
            boolean hasSums,
            ActivationScheme.Kind kind,
            boolean inputGroups) {}

    private final WeightLoader loader;
    private final ProductTimer timer;
    private final CodesProducts ways;
    private final ActivationRounding rounding;
    private final RoundingScratch scratch;
    private final Map<FormKey, MeasuredProducts<CodesLinear>> products = new HashMap<>();

    CodesLoader(
            WeightLoader loader,
            ProductTimer timer,
            CodesProducts ways,
            ActivationRounding rounding,
            RoundingScratch scratch) {
        this.loader = loader;
        this.timer = timer;
        this.ways = ways;
        this.rounding = rounding;
        this.scratch = scratch;
    }

    @Override
    public boolean takes(LinearWeight.Leaf leaf) {
        if (!(leaf instanceof LinearWeight.Quantized quantized)) {
            return false;
        }
        QuantizedMatrix matrix = quantized.matrix();
        ActivationScheme scheme = quantized.activations();
        if (!CodesMatrix.fits(matrix) || !ActivationRounding.fits(scheme)) {
            return false;
        }
        return switch (scheme.kind()) {
            case INT8 ->
                matrix.codes() == QuantizedMatrix.Codes.INT8 && matrix.isSymmetric() && !CodesMatrix.isGrouped(matrix);
            case E4M3 -> matrix.codes() == QuantizedMatrix.Codes.E4M3;
            case NONE ->
                matrix.codes() == QuantizedMatrix.Codes.E4M3
                        && matrix.numCols() == CodesMatrix.inStride(matrix.numCols());
        };
    }

    @Override
    public boolean joins(LinearWeight.Leaf first, LinearWeight.Leaf next) {
        LinearWeight.Quantized a = (LinearWeight.Quantized) first;
        LinearWeight.Quantized b = (LinearWeight.Quantized) next;
        return a.activations().equals(b.activations())
                && CodesMatrix.isGrouped(a.matrix()) == CodesMatrix.isGrouped(b.matrix());
    }

    @Override
    public CodesLinear load(LinearWeight weight) {
        Stack stack = new Stack(weight);
        ActivationScheme scheme = stack.scheme;
        Bf16Loader.Bias bias = Bf16Loader.Bias.load(weight, loader);
        CodesMatrix matrix = new CodesMatrix(
                stack.outFeatures,
                stack.inFeatures,
                stack.inStride,
                stack.integers,
                loadCodes(stack),
                loadScales(stack),
                stack.groups,
                stack.scaleRows,
                CodesMatrix.groupStride(stack.inFeatures),
                ActivationRounding.hasZeroPoint(scheme) ? loadSums(stack) : 0,
                bias.floats(),
                bias.halves());
        scratch.announce(demand(stack));
        FormKey key = new FormKey(
                stack.outFeatures,
                stack.inFeatures,
                stack.integers,
                stack.groups,
                stack.scaleRows,
                matrix.sums() != 0,
                scheme.kind(),
                ActivationRounding.isGrouped(scheme));
        return new CodesLinear(
                matrix,
                scheme,
                ways.kernels(matrix, scheme.kind() != ActivationScheme.Kind.NONE),
                rounding,
                scratch,
                products.computeIfAbsent(key, k -> new MeasuredProducts<>(timer, ways::find)));
    }

    @Override
    public long residentBytes(LinearWeight weight) {
        Stack stack = new Stack(weight);
        scratch.announce(demand(stack));
        long sums = ActivationRounding.hasZeroPoint(stack.scheme) ? 4L * stack.outFeatures : 0;
        return (long) stack.outFeatures * stack.inStride + 4L * stack.numScales() + sums;
    }

    /** Of all matrices with rounded inputs, those of {@link RoundedLoader} too. */
    @Override
    public long scratchBytes(int maxRows) {
        return scratch.bytes(MeasuredProducts.paddedRows(maxRows));
    }

    @Override
    public void reserve(int maxRows) {
        scratch.reserve(MeasuredProducts.paddedRows(maxRows));
    }

    private RoundingScratch.Demand demand(Stack stack) {
        boolean isRounded = stack.scheme.kind() != ActivationScheme.Kind.NONE;
        boolean sums = ways.needsSums(stack.integers, isRounded, stack.groups);
        return ActivationRounding.demand(stack.scheme, stack.inFeatures)
                .and(new RoundingScratch.Demand(0, 0, sums ? stack.outFeatures : 0));
    }

    /** Leaves that become one matrix. */
    private static final class Stack {
        final String name;
        final List<QuantizedMatrix> parts;
        final ActivationScheme scheme;
        final int outFeatures;
        final int inFeatures;
        final int inStride;
        final boolean integers;
        final boolean groups;
        final int scaleRows;

        Stack(LinearWeight weight) {
            name = weight.name();
            List<LinearWeight.Leaf> leaves = weight.leaves();
            parts = leaves.stream()
                    .map(leaf -> ((LinearWeight.Quantized) leaf).matrix())
                    .toList();
            scheme = ((LinearWeight.Quantized) leaves.get(0)).activations();
            outFeatures = weight.outFeatures();
            inFeatures = weight.inFeatures();
            inStride = CodesMatrix.inStride(inFeatures);
            integers = parts.get(0).codes().isInteger();
            groups = CodesMatrix.isGrouped(parts.get(0)) || ActivationRounding.isGrouped(scheme);
            scaleRows = groups && isBlocked() ? CodesMatrix.GROUP : 1;
        }

        /** Whether no block of 128 rows has rows of two scales. */
        private boolean isBlocked() {
            for (int i = 0; i < parts.size(); i++) {
                QuantizedMatrix part = parts.get(i);
                boolean whole = part.scaleRows() % CodesMatrix.GROUP == 0 || part.scaleRows() >= part.numRows();
                boolean last = i == parts.size() - 1;
                if (!whole || !last && part.numRows() % CodesMatrix.GROUP != 0) {
                    return false;
                }
            }
            return true;
        }

        int numScales() {
            int rows = (outFeatures + scaleRows - 1) / scaleRows;
            return groups ? rows * CodesMatrix.groupStride(inFeatures) : rows;
        }
    }

    private interface PartRows {
        void read(QuantizedMatrix part, int first, int count, int outRow);
    }

    private long loadCodes(Stack stack) {
        long address = loader.allocate(stack.name, (long) stack.outFeatures * stack.inStride);
        int most = Math.max(8, WeightLoader.PIECE_BYTES / stack.inStride / 8 * 8);
        forPieces(stack, most, (part, first, count, outRow) -> {
            long at = address + (long) outRow * stack.inStride;
            loader.upload(at, (long) count * stack.inStride, buffer -> codes(stack, part, first, count, buffer));
        });
        return address;
    }

    private static void forPieces(Stack stack, int most, PartRows rows) {
        int begin = 0;
        for (QuantizedMatrix part : stack.parts) {
            for (int first = 0; first < part.numRows(); first += most) {
                rows.read(part, first, Math.min(most, part.numRows() - first), begin + first);
            }
            begin += part.numRows();
        }
    }

    private static void codes(Stack stack, QuantizedMatrix part, int first, int count, ByteBuffer buffer) {
        QuantizedMatrix.Rows rows = part.rows(first, count);
        byte[] row = new byte[stack.inStride];
        for (int i = 0; i < count; i++) {
            signed(stack, rows, i, row);
            buffer.put(i * stack.inStride, row);
        }
    }

    /** Integers from −128 on. */
    private static void signed(Stack stack, QuantizedMatrix.Rows rows, int i, byte[] row) {
        rows.codes(i, row, 0);
        if (stack.integers) {
            for (int col = 0; col < stack.inFeatures; col++) {
                row[col] ^= (byte) 0x80;
            }
        }
    }

    private long loadSums(Stack stack) {
        long address = loader.allocate(stack.name + " sums", 4L * stack.outFeatures);
        int most = Math.max(8, WeightLoader.PIECE_BYTES / stack.inStride / 8 * 8);
        forPieces(
                stack,
                most,
                (part, first, count, outRow) -> loader.upload(address + 4L * outRow, 4L * count, buffer -> {
                    QuantizedMatrix.Rows rows = part.rows(first, count);
                    byte[] row = new byte[stack.inStride];
                    for (int i = 0; i < count; i++) {
                        signed(stack, rows, i, row);
                        int sum = 0;
                        for (byte code : row) {
                            sum += code;
                        }
                        buffer.putInt(4 * i, sum);
                    }
                }));
        return address;
    }

    private long loadScales(Stack stack) {
        float[] scales = new float[stack.numScales()];
        int stride = CodesMatrix.groupStride(stack.inFeatures);
        int numGroups = CodesMatrix.numGroups(stack.inFeatures);
        int begin = 0;
        for (QuantizedMatrix part : stack.parts) {
            float[] own = new float[part.numGroups()];
            QuantizedMatrix.Rows rows = part.rows(0, part.numRows());
            for (int row = 0; row < part.numRows(); row += stack.scaleRows) {
                rows.scales(row, own, 0);
                int at = (begin + row) / stack.scaleRows;
                if (!stack.groups) {
                    scales[at] = own[0];
                    continue;
                }
                for (int group = 0; group < numGroups; group++) {
                    scales[at * stride + group] =
                            own[Math.min(own.length - 1, (int) ((long) group * CodesMatrix.GROUP / part.groupSize()))];
                }
            }
            begin += part.numRows();
        }
        long address = loader.allocate(stack.name + " scales", 4L * scales.length);
        loader.uploadFloats(scales, address);
        return address;
    }
}
