/**
 * Messages ⇄ prompt text: chat templates, tool calls, reasoning.
 *
 * <p>May use: tokenizer, grammar. Thread: any; everything here is immutable. Entry:
 * {@link dev.quire.chat.ChatTemplate}.
 */
package dev.quire.chat;
