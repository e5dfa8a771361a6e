package dev.quire.kernel.cpu;

import org.bytedeco.javacpp.Pointer;

/** An address that a native call takes: owns nothing, and is nothing for JavaCPP's collector. */
final class NativeAddress extends Pointer {
    NativeAddress() {
        super((Pointer) null);
    }

    NativeAddress at(long value) {
        address = value;
        return this;
    }
}
