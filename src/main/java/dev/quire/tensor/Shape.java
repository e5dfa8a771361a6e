package dev.quire.tensor;

import java.util.Arrays;

/** The extents of a tensor, outermost first, immutable; none is negative and their product fits a long. */
public final class Shape {
    private final long[] dims;
    private final long numElements;

    private Shape(long[] dims) {
        long product = 1;
        boolean empty = false;
        for (long dim : dims) {
            if (dim < 0) {
                throw new IllegalArgumentException("negative extent in shape " + Arrays.toString(dims));
            }
            empty |= dim == 0;
        }
        for (long dim : dims) {
            try {
                // An empty tensor may carry any other extents: their product is never formed.
                product = empty ? 0 : Math.multiplyExact(product, dim);
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("shape " + Arrays.toString(dims) + " has too many elements", e);
            }
        }
        this.dims = dims;
        this.numElements = product;
    }

    /** A shape with these extents; none at all is a scalar. Throws IllegalArgumentException on a negative one. */
    public static Shape of(long... dims) {
        return new Shape(dims.clone());
    }

    /** Number of dimensions. */
    public int rank() {
        return dims.length;
    }

    /** Extent of dimension i; a negative i counts from the end. */
    public long dim(int i) {
        return dims[i < 0 ? dims.length + i : i];
    }

    /** Extent of dimension i as an int; throws ArithmeticException when it does not fit. */
    public int intDim(int i) {
        return Math.toIntExact(dim(i));
    }

    /** Product of all extents; 1 for a scalar. */
    public long numElements() {
        return numElements;
    }

    /** A copy of the extents. */
    public long[] toArray() {
        return dims.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape && Arrays.equals(dims, ((Shape) other).dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    /** As {@code [2, 3]}; a scalar is {@code []}. */
    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
