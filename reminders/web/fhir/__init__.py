"""The FHIR R4 face: /fhir."""
