"""The Auto Loader: from landing files to rows, nothing lost and nothing stuck."""
