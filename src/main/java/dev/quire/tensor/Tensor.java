package dev.quire.tensor;

/**
 * A typed, shaped, dense row-major view that owns nothing; its {@link Arena} owns.
 *
 * @param dtype element type
 * @param shape dimensions, slowest first
 * @param storage where the elements are
 * @param offset first element, counted in elements of {@code storage}
 */
public record Tensor(DType dtype, Shape shape, Storage storage, long offset) {
    public Tensor(DType dtype, Shape shape, Storage storage) {
        this(dtype, shape, storage, 0);
    }

    /** The f32 elements of a host tensor; the first is at {@link #offset}. */
    public float[] floats() {
        if (storage instanceof Storage.Floats f) {
            return f.array();
        }
        throw new IllegalStateException("expected float array storage, found " + this);
    }

    /** Elements from one row to the next: the last dimension. */
    public int rowStride() {
        return Math.toIntExact(shape.dim(shape.rank() - 1));
    }

    @Override
    public String toString() {
        return dtype + shape.toString();
    }
}
