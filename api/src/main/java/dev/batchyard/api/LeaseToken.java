package dev.batchyard.api;

import java.util.UUID;

/**
 * The right to write for one attempt. Every write of an attempt presents it; a write with a token
 * that is no longer current changes nothing.
 *
 * @param task the task
 * @param attempt the number of the attempt, from 1, never reused
 * @param token drawn anew for every claim
 */
public record LeaseToken(long task, int attempt, UUID token) {}
