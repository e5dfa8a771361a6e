package dev.quire.kernel.cuda;

import org.bytedeco.javacpp.Pointer;

/** Carries only an address, on the device or pinned on the host: no deallocator, nothing for JavaCPP's collector. */
final class Address extends Pointer {
    Address(long address) {
        super((Pointer) null);
        this.address = address;
    }

    /** Points somewhere else from now on. */
    Address set(long newAddress) {
        address = newAddress;
        return this;
    }
}
