"""The tables of cases, one file for each group of commands; ``script`` explains how a line is written."""
