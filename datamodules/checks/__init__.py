"""What is known of published data sets, and what is wrong with the files of one."""
