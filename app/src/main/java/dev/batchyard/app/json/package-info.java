/** Parameters and results as JSON, checked against schemas that records give. */
@NullMarked
package dev.batchyard.app.json;

import org.jspecify.annotations.NullMarked;
