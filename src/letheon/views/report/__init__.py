"""Pages of studies: HTML files that open in any browser, without a network."""
