"""FHIR R4 (4.0.1), HL7's standard for exchanging clinical data: our words and its resources, one into the other."""
