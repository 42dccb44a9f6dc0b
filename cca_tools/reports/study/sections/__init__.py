"""The sections of the report, one file each: from the study's artefacts to blocks."""
