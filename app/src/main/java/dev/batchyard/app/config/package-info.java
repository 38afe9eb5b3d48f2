/** Configuration: flags over environment over file, read once. */
@NullMarked
package dev.batchyard.app.config;

import org.jspecify.annotations.NullMarked;
