/**
 * What does a caller ask, what does it hear?
 *
 * <p>May use: nothing. Thread: any; everything here is immutable. Immutable.
 */
package dev.quire.request;
